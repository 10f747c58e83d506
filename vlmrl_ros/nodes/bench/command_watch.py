"""Watches what an arm is made to do: within its limits, and never for a source that is dead."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.safety import SafetyConfig
from vlmrl_ros.core.safety.config import one_each
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Feedback, Source

BRIDGES = ("sim_bridge", "arm_bridge")
DEVICES = ("joystick",)
"""Sources that move the arm only while a person holds control."""
TOLERANCE = 1e-6
KEPT = 2000
"""Steps that are remembered."""
PATIENT = QoSProfile(depth=1000)


@dataclass
class Seen:
    """What is known of one step; times of reception on the steady clock, s."""

    at_s: float
    feedback: Feedback | None = None
    executed: FloatArray | None = None
    executed_s: float = 0.0
    source: Source | None = None


class CommandJudge:
    """Judges each step. Pure: it is told what was heard and when.

    A command is outside the limits if a component is not finite, beyond the action's bounds or the velocity limit, or
    if it differs from the one before, in the same episode, by more than the acceleration limit allows. Zero is always
    allowed: the e-stop stops at once.

    A command comes from a dead source if the arm moves in a step whose observation came more than a control period
    after the source's death and before its return: whoever was dead then cannot have answered it.
    """

    def __init__(self, spec: TaskSpec, limits: SafetyConfig, period_s: float) -> None:
        """Begin with every source alive.

        Args:
            spec: of the task.
            limits: what the bridge has been given.
            period_s: time between two ticks, s.
        """
        names = spec.action.names
        speed = np.array(one_each("velocity", limits.velocity, names))
        self._low, self._high = np.maximum(spec.action.low, -speed), np.minimum(spec.action.high, speed)
        self._change = np.array(one_each("acceleration", limits.acceleration, names)) * spec.control_dt_s
        self._dt_ns, self._period_s = round(spec.control_dt_s * 1e9), period_s
        self._steps: OrderedDict[int, Seen] = OrderedDict()
        self._dead: dict[str, float] = {}
        self.executed = 0
        self.outside_limits = 0
        self.from_dead_source = 0
        self.problems: list[str] = []
        """One line for each command that should not have been."""

    def died(self, source: str, at_s: float) -> None:
        """From now on nothing can come from a source: it was killed, or stands still."""
        self._dead[source] = at_s

    def revived(self, source: str) -> None:
        """The source, or another in its place, is about to work again; a new bridge begins its stamps anew."""
        self._dead.pop(source, None)
        if source in BRIDGES:
            self._steps.clear()

    def hear_feedback(self, stamp_ns: int, feedback: Feedback, now_s: float) -> None:
        """The bridge has published an observation."""
        self._seen(stamp_ns, now_s).feedback = feedback

    def hear_source(self, stamp_ns: int, source: Source, now_s: float) -> None:
        """Teleop has said who acts."""
        self._seen(stamp_ns, now_s).source = source

    def hear_executed(self, stamp_ns: int, action: FloatArray, now_s: float) -> None:
        """The bridge has said what it made the arm do."""
        step = self._seen(stamp_ns, now_s)
        if step.executed is not None:
            return
        step.executed, step.executed_s = action, now_s
        self.executed += 1
        if not action.any():
            return
        if not self._is_within(stamp_ns, action):
            self.outside_limits += 1
            self.problems.append(f"step {stamp_ns}: {action.tolist()} is outside the limits")
        for source, dead_s in self._dead.items():
            moves = source not in DEVICES or step.source is Source.HUMAN
            if moves and step.at_s > dead_s + self._period_s:
                self.from_dead_source += 1
                self.problems.append(f"step {stamp_ns}: {source} has been dead for {step.at_s - dead_s:.3f} s")

    def ticks_to_zero(self, since_s: float) -> int | None:
        """Ticks, begun ones counted as whole, from a moment to the first step at zero that no motion follows.

        A step lasts from its observation on, although a bridge in real time says what was done in it when it is over.

        Args:
            since_s: the moment, s on the steady clock.

        Returns:
            None while there is no such step, or none was over after the moment.
        """
        after = [step for step in self._steps.values() if step.executed is not None and step.executed_s > since_s]
        moving = [index for index, step in enumerate(after) if step.executed is not None and step.executed.any()]
        stopped = moving[-1] + 1 if moving else 0
        return max(1, math.ceil((after[stopped].at_s - since_s) / self._period_s)) if stopped < len(after) else None

    def moved_since(self, since_s: float, steps: int, source: Source | None = None) -> bool:
        """The arm has moved in each of the newest steps, so many of them, and all were carried out after a moment.

        Args:
            since_s: the moment, s on the steady clock.
            steps: how many.
            source: who must have acted in them; None: whoever.
        """
        newest = [step for step in self._steps.values() if step.executed is not None and step.executed_s > since_s]
        return len(newest) >= steps and all(
            step.executed.any() and source in (None, step.source) for step in newest[-steps:]
        )

    def still_since(self, since_s: float) -> int:
        """In how many steps after a moment the arm stood still, without those that end an episode."""
        return sum(
            step.executed is not None
            and step.executed_s > since_s
            and not step.executed.any()
            and not (step.feedback and step.feedback.last)
            for step in self._steps.values()
        )

    def moving_since(self, since_s: float) -> int:
        """In how many steps that were carried out after a moment the arm moved."""
        return sum(
            step.executed is not None and step.executed_s > since_s and bool(step.executed.any())
            for step in self._steps.values()
        )

    def _is_within(self, stamp_ns: int, action: FloatArray) -> bool:
        if not ((action >= self._low - TOLERANCE) & (action <= self._high + TOLERANCE)).all():
            return False
        step, before = self._steps[stamp_ns], self._steps.get(stamp_ns - self._dt_ns)
        if step.feedback is None:
            return True
        if step.feedback.step == 0:
            last = np.zeros_like(action)
        elif before is None or before.executed is None:
            return True
        else:
            last = before.executed
        return bool((np.abs(action - last) <= self._change + TOLERANCE).all())

    def _seen(self, stamp_ns: int, now_s: float) -> Seen:
        step = self._steps.get(stamp_ns)
        if step is None:
            step = self._steps[stamp_ns] = Seen(now_s)
            if len(self._steps) > KEPT:
                self._steps.popitem(last=False)
        return step


class CommandWatch(CommandJudge):
    """A judge that listens: subscribes on a node which its owner spins."""

    def __init__(
        self, node: Node, spec: TaskSpec, limits: SafetyConfig | None = None, period_s: float = 0.0, namespace: str = ""
    ) -> None:
        """Begin to listen.

        Args:
            node: spun by the caller, often enough that nothing waits.
            spec: of the task.
            limits: what the bridge has been given; the bounds of the action by default.
            period_s: time between two ticks, s; 0: the control step of the task.
            namespace: of the arm, with a slash at its end.
        """
        super().__init__(spec, limits or SafetyConfig(), period_s or spec.control_dt_s)
        action = spec.action

        def feedback(message: JointState) -> None:
            self.hear_feedback(messages.stamp_of(message), messages.read_feedback(message), time.monotonic())

        def intervention(message: JointState) -> None:
            source = messages.read_intervention(message).source
            self.hear_source(messages.stamp_of(message), source, time.monotonic())

        def executed(message: JointState) -> None:
            values = messages.read_values(message, "executed")
            carried_out = np.array([values[name] for name in action.names], np.float32)
            self.hear_executed(messages.stamp_of(message), carried_out, time.monotonic())

        listeners = {"feedback": feedback, "intervention": intervention, "executed": executed}
        for topic, callback in listeners.items():
            node.create_subscription(JointState, f"{namespace}{topic}", callback, PATIENT)
