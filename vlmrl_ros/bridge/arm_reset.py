"""The reset procedures of an arm: scripted homing with a service on the way, or a person who moves it."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.arm_inputs import ArmInputs
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_features import ArmState
from vlmrl_ros.core.homing import Homing, Place, Stage
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Mark

GUIDE, GUIDE_COMMAND = "guide", "guide/command"


class HomeReset:
    """Drives the arm to the start of the next episode; each tick it proposes a velocity."""

    def __init__(self, shell: Shell[Any], arm: ArmDescription, spec: TaskSpec, inputs: ArmInputs, seed: int) -> None:
        """Take the procedure of the description.

        Args:
            shell: the node.
            arm: its description.
            spec: of the task.
            inputs: for the age of the pose that the start lies around.
            seed: the start of episode n is drawn from (seed, n).
        """
        self._shell, self._inputs, self._reset = shell, inputs, arm.reset
        self._homing = Homing(arm.reset, arm.home, spec.action, spec.control_dt_s, seed)
        self._client = shell.create_client(Trigger, arm.reset.service) if arm.reset.service else None
        self._ticks_s = spec.control_dt_s

    def begin(self, episode: int) -> None:
        """Prepare for an episode, from wherever the arm is."""
        self._episode = episode
        self._homing.begin(episode)
        self._asked: Future | None = None
        self._answered_ns: int | None = None
        self._waited_s = 0.0

    def step(self, stamp_ns: int, state: ArmState) -> tuple[FloatArray, bool]:
        """The velocity for this tick, float32 (A,), and whether the arm is ready for the episode."""
        around = state.poses.get(self._reset.around)
        wanted = self._homing.propose(Place(state.tip, state.tip_quaternion, around))
        stage = self._homing.stage
        if stage is Stage.SERVICE:
            self._serve(stamp_ns)
        if self._homing.elapsed_s > self._reset.timeout_s:
            self._shell.diagnostics.problem(
                f"homing takes longer than {self._reset.timeout_s:g} s at stage '{stage.value}': it begins anew"
            )
            self.begin(self._episode)
        elif self._waited_s <= self._reset.service_timeout_s:
            self._shell.diagnostics.problem("")
        return wanted, stage is Stage.DONE

    def _serve(self, stamp_ns: int) -> None:
        """Call the service, then wait for a pose that is newer than its answer."""
        if self._client is None:
            self._homing.served()
            return
        self._waited_s += self._ticks_s
        if self._waited_s > self._reset.service_timeout_s:
            self._shell.diagnostics.problem(
                f"service {self._reset.service} has not done its work for {self._reset.service_timeout_s:g} s: waiting"
            )
        if self._asked is None:
            if self._client.service_is_ready():
                self._asked = self._client.call_async(Trigger.Request())
        elif self._asked.done() and self._answered_ns is None:
            answer = self._asked.result()
            if answer is None or not answer.success:
                text = "no answer" if answer is None else answer.message
                self._shell.get_logger().warning(f"service {self._reset.service} failed: {text}; asked again")
                self._asked = None
            else:
                self._answered_ns = stamp_ns
        around = self._reset.around
        if self._answered_ns is not None and (not around or self._inputs.stamp_of_pose(around) > self._answered_ns):
            self._homing.served()


class ManualReset:
    """A person moves the arm with the teleop's joystick and presses the success or the reset button to begin.

    No steps are published meanwhile: each tick asks on ``guide`` where to go, and teleop answers on ``guide/command``.
    """

    def __init__(self, shell: Shell[Any], spec: TaskSpec) -> None:
        """Publish and listen."""
        self._shell, self._spec = shell, spec
        self._guide = shell.publisher(JointState, GUIDE, qos.STEP)
        shell.listen(JointState, GUIDE_COMMAND, self._on_command, qos.COMMAND)
        self.begin(0)

    def begin(self, episode: int) -> None:
        """Prepare for an episode."""
        self._episode = episode
        self._asked_ns = self._first_ns = 0
        self._wanted: FloatArray | None = None
        self._ready = False

    def step(self, stamp_ns: int, state: ArmState) -> tuple[FloatArray, bool]:
        """What the person asked for since the last tick, float32 (A,), zeros without; whether they are done."""
        wanted, self._wanted = self._wanted, None
        self._asked_ns, self._first_ns = stamp_ns, self._first_ns or stamp_ns
        self._guide.publish(messages.named_vector(stamp_ns, ["episode"], [self._episode]))
        self._shell.diagnostics.problem("move the arm to its start, then press success or reset to begin the episode")
        if self._ready:
            self._shell.diagnostics.problem("")
        still = np.zeros(self._spec.action.size, np.float32)
        return still if wanted is None or self._ready else wanted, self._ready

    def _on_command(self, message: JointState) -> None:
        wanted = messages.read_vector(message, self._spec.action, GUIDE_COMMAND)
        stamp_ns, mark = messages.stamp_of(message), messages.read_mark(message)
        if 0 < self._first_ns <= stamp_ns <= self._asked_ns:
            self._ready |= mark in (Mark.SUCCESS, Mark.RESET)  # it is said in one command alone, which may be late
        if stamp_ns != self._asked_ns:
            self._shell.diagnostics.count("stale guide commands")
            return
        self._wanted = wanted
