"""``teleop``: decides who acts, sends one command for each observation, publishes takeovers as reward."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Bool, String

from vlmrl_ros.bridge import joy_messages, messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.arbiter import Arbiter, Decision
from vlmrl_ros.core.arbiter_config import ArbiterConfig
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Feedback, Mark, Source
from vlmrl_ros.teleop.mapping import JoyMapping
from vlmrl_ros.teleop.profile import load_profile

WATCH_PERIOD_S = 0.01
STALL_S = 2 * WATCH_PERIOD_S


@dataclass(frozen=True)
class TeleopConfig:
    """Parameters of ``teleop``; how control changes hands is ``arbiter.<option>``."""

    profile: str = option("xbox", "device profile by name, or the path of a YAML file")
    joy_sync: bool = option(
        False,
        "wait at each step for the joystick reading with its stamp: for an operator who keeps step (lockstep only)",
    )
    policy_wait_steps: float = option(
        0.5,
        "a person in control drives without the policy after this time; below 1, or their command comes too late",
        unit="control steps",
        low=0.01,
        high=100.0,
    )


class Teleop(Shell[TeleopConfig]):
    """Feeds the arbiter messages and clocks."""

    config_type = TeleopConfig

    def __init__(self) -> None:
        """Read the profile and the arbiter's options.

        Raises:
            VlmrlError: an unknown profile, a bad option.
        """
        super().__init__("teleop")
        self._profile = load_profile(self.config.profile)
        self._arbiter_config = from_mapping(ArbiterConfig, plugin_options(self, "arbiter"), "arbiter")
        show_options(self, "arbiter", to_mapping(self._arbiter_config))

    def configure(self) -> None:
        """Listen; the arbiter is made when the task's spec comes."""
        self._spec: TaskSpec | None = None
        self._unanswered: tuple[int, Feedback, float] | None = None
        self._sent: tuple[JointState, JointState] | None = None
        self._source = Source.STOPPED
        self._bridge_stopped = False
        self._watched_s = time.monotonic()
        self._step_clock_ns = self._asked_ns = 0
        self._asked = self._answered = 0
        self._command = self.publisher(JointState, "command", qos.STEP)
        self._intervention = self.publisher(JointState, "intervention", qos.STEP)
        self._guide = self.publisher(JointState, "guide/command", qos.STEP)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(JointState, "feedback", self._on_feedback, qos.LIVE)
        self.listen(JointState, "policy/action", self._on_policy, qos.STEP)
        self.listen(Joy, "joy", self._on_joy, qos.JOY)
        self.listen(JointState, "guide", self._on_guide, qos.LIVE)
        self.listen(Bool, "estop/state", self._on_estop_state, qos.LATCHED)
        if not self.config.joy_sync:  # an operator who keeps step is waited for
            self.steady_timer(WATCH_PERIOD_S, self._watch)

    def _on_spec(self, message: String) -> None:
        """A bridge has started (again): begin anew for its task."""
        spec = messages.read_spec(message, self._spec)
        try:
            self._mapping = JoyMapping(self._profile, spec.action)
        except VlmrlError as error:
            self.fail(error)
            return
        if self._spec is None:
            reason = "e-stop of the bridge" if self._bridge_stopped else ""
        else:
            reason = "e-stop from before the bridge started again" if self._arbiter.estopped else ""
            self._bridge_stopped = False
        self._arbiter = Arbiter(spec.action, spec.control_dt_s, self._arbiter_config)
        if reason:
            self._arbiter.estop(reason)
        self._join = PartJoin(("feedback", "policy_action", *(("joy",) if self.config.joy_sync else ())))
        self._unanswered = self._sent = None
        self._asked_ns = 0
        self._spec = spec

    def _on_feedback(self, message: JointState) -> None:
        feedback = messages.read_feedback(message)
        stamp_ns = messages.stamp_of(message)
        expected = self._spec is not None and self._join.expects(stamp_ns)
        if expected and (self._sent is None or stamp_ns > messages.stamp_of(self._sent[0])):
            self._unanswered = (stamp_ns, feedback, time.monotonic())
        if expected and stamp_ns > self._asked_ns:
            self._asked_ns, self._asked = stamp_ns, self._asked + 1
        self._put(stamp_ns, "feedback", feedback)

    def _on_policy(self, message: JointState) -> None:
        if self._spec is None or not self.active:
            return
        stamp_ns = messages.stamp_of(message)
        action = messages.read_vector(message, self._spec.action, "policy/action")
        if self._sent is not None and stamp_ns == messages.stamp_of(self._sent[0]):
            self._send(*self._sent)  # the bridge asks again: the answer was lost on the way
            return
        self._put(stamp_ns, "policy_action", action)

    def _on_joy(self, message: Joy) -> None:
        if self._spec is None:
            return
        try:
            human = self._mapping.read(joy_messages.read_joy(message))
        except VlmrlError:
            self._arbiter.lose("the joystick sends nonsense")
            raise
        if self.config.joy_sync:
            steps, self._answered = self._asked - self._answered, self._asked
            self._put(messages.stamp_of(message), "joy", (human, steps))
        else:
            self._arbiter.hear(human, time.monotonic_ns())
            self._withdraw()

    def _on_guide(self, message: JointState) -> None:
        """The bridge asks where a person wants the arm, which they reset by hand; these are no steps."""
        if self._spec is None or not self.active:
            return
        stamp_ns = messages.read_guide(message)
        decision = self._arbiter.guide(self._now_ns())
        self._guide.publish(
            messages.command_message(
                stamp_ns, self._spec.action, decision.command, decision.mark, self._arbiter.estopped
            )
        )

    def _put(self, stamp_ns: int, part: str, value: Any) -> None:
        if self._spec is None or not self.active:
            return
        for stamp, parts in self._join.put(stamp_ns, part, value):
            if "joy" in parts:
                human, steps = parts["joy"]
                self._step_clock_ns += steps * round(self._spec.control_dt_s * 1e9)
                self._arbiter.hear(human, self._step_clock_ns)
            self._decide(stamp, parts["feedback"], parts["policy_action"])
        self.diagnostics.join(self._join)

    def _watch(self) -> None:
        """Let a person in control drive although the policy is silent, and stop the arm when they let go of it.

        A command that must not stand is taken back at once, not at the next step.
        """
        before_s, self._watched_s = self._watched_s, time.monotonic()
        if self._spec is None or not self.active:
            return
        if self._watched_s - before_s < STALL_S:  # else this node itself stood still, and has not yet read its joystick
            self._withdraw()
        self._press_estop()
        if self._unanswered is None:
            return
        if not self._arbiter.held and self._source is not Source.HUMAN:
            return
        stamp_ns, feedback, since_s = self._unanswered
        if time.monotonic() - since_s > self.config.policy_wait_steps * self._spec.control_dt_s:
            self._decide(stamp_ns, feedback, None)

    def _decide(self, stamp_ns: int, feedback: Feedback, policy_action: FloatArray | None) -> None:
        decision = self._arbiter.step(stamp_ns, policy_action, self._now_ns(), first=feedback.step == 0)
        self._unanswered = None
        self._answer(stamp_ns, decision)
        self._note(decision)

    def _now_ns(self) -> int:
        """The clock by which the joystick is judged.

        That of an operator who keeps step counts the steps that they were asked for: neither a pause of the loop, nor
        the reset of an arm, nor the silence of another node is silence of theirs.
        """
        return self._step_clock_ns if self.config.joy_sync else time.monotonic_ns()

    def _withdraw(self) -> None:
        """Replace the command that was given for this step where it must not stand any longer."""
        if not self.active or self._sent is None:
            return
        stamp_ns = messages.stamp_of(self._sent[0])
        decision = self._arbiter.withdraw(self._now_ns())
        if decision is not None:
            self._answer(stamp_ns, decision)
            self.diagnostics.count("commands taken back")
            self.diagnostics.problem(decision.reason)

    def _press_estop(self) -> None:
        """Say so until the bridge has heard it: between two episodes, too, when it asks for no command."""
        if not self._arbiter.estopped or self._bridge_stopped:
            return
        action, stamp_ns, mark = self._spec.action, 0, Mark.NONE
        if self._sent is not None:
            stamp_ns, mark = messages.stamp_of(self._sent[0]), messages.read_mark(self._sent[0])
        still = np.zeros(action.size, np.float32)
        self._command.publish(messages.command_message(stamp_ns, action, still, mark, estop=True))

    def _answer(self, stamp_ns: int, decision: Decision) -> None:
        self._source = decision.intervention.source
        pressed = self._arbiter.estopped and not self._bridge_stopped
        self._send(
            messages.command_message(stamp_ns, self._spec.action, decision.command, decision.mark, pressed),
            messages.intervention_message(stamp_ns, decision.intervention, self._spec.action),
        )

    def _send(self, command: JointState, intervention: JointState) -> None:
        self._sent = (command, intervention)
        self._intervention.publish(intervention)
        self._command.publish(command)  # last: once the bridge moves on, nothing of this step is missing

    def _note(self, decision: Decision) -> None:
        self.diagnostics.tick()
        self.diagnostics.problem(decision.reason)
        self.diagnostics.value("source", decision.intervention.source.name.lower())
        if decision.intervention.edge:
            self.diagnostics.count("takeovers")
        if decision.intervention.source is Source.STOPPED:
            self.diagnostics.count("stopped steps")

    def _on_estop_state(self, message: Bool) -> None:
        """The bridge keeps the e-stop: follow it. It speaks only when it latches and when a person releases it."""
        released, self._bridge_stopped = self._bridge_stopped and not message.data, message.data
        if self._spec is None:
            return
        if message.data:
            self._arbiter.estop("e-stop of the bridge")
            self._withdraw()
        elif released:
            self._arbiter.release_estop()


def main() -> None:
    """Entry point."""
    sys.exit(run(Teleop, "Decides who acts, and publishes takeovers as reward.", TeleopConfig))
