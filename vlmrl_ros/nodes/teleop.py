"""``teleop``: decides who acts, sends one command for each observation, publishes takeovers as reward."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String
from std_srvs.srv import SetBool

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.arbiter import Arbiter, ArbiterConfig, Decision
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Feedback, Source
from vlmrl_ros.teleop.mapping import JoyMapping
from vlmrl_ros.teleop.profile import load_profile

WATCH_PERIOD_S = 0.02


@dataclass(frozen=True)
class TeleopConfig:
    """Parameters of ``teleop``; how control changes hands is ``arbiter.<option>``."""

    profile: str = option("xbox", "device profile by name, or the path of a YAML file")
    joy_sync: bool = option(
        False,
        "wait at each step for the joystick reading with its stamp: for an operator who keeps step (lockstep only)",
    )
    policy_timeout_s: float = option(
        0.2, "a person in control may drive without the policy after this time", unit="s", low=0.001, high=60.0
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
        self._command = self.publisher(JointState, "command", qos.STEP)
        self._intervention = self.publisher(JointState, "intervention", qos.STEP)
        self.create_service(SetBool, "estop", self._on_estop)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(JointState, "feedback", self._on_feedback, qos.STEP)
        self.listen(JointState, "policy/action", self._on_policy, qos.STEP)
        self.listen(Joy, "joy", self._on_joy, qos.JOY)
        self.steady_timer(WATCH_PERIOD_S, self._watch)

    def _on_spec(self, message: String) -> None:
        """A bridge has started (again): begin anew for its task."""
        spec = messages.read_spec(message, self._spec)
        try:
            self._mapping = JoyMapping(self._profile, spec.action)
        except VlmrlError as error:
            self.fail(error)
            return
        stopped = self._spec is not None and self._arbiter.estopped
        self._arbiter = Arbiter(spec.action, self._arbiter_config)
        if stopped:
            self._arbiter.estop("e-stop from before the bridge started again")
        self._join = PartJoin(("feedback", "policy_action", *(("joy",) if self.config.joy_sync else ())))
        self._unanswered = self._sent = None
        self._spec = spec

    def _on_feedback(self, message: JointState) -> None:
        feedback = messages.read_feedback(message)
        stamp_ns = messages.stamp_of(message)
        if self._spec is None or not self._join.expects(stamp_ns):
            return
        if self._sent is None or stamp_ns > messages.stamp_of(self._sent[0]):
            self._unanswered = (stamp_ns, feedback, time.monotonic())
        self._put(stamp_ns, "feedback", feedback)

    def _on_policy(self, message: JointState) -> None:
        if self._spec is None or not self.active:
            return
        stamp_ns = messages.stamp_of(message)
        if self._sent is not None and stamp_ns == messages.stamp_of(self._sent[0]):
            self._send(*self._sent)  # the bridge asks again: the answer was lost on the way
            return
        self._put(stamp_ns, "policy_action", messages.read_vector(message, self._spec.action, "policy/action"))

    def _on_joy(self, message: Joy) -> None:
        if self._spec is None:
            return
        try:
            human = self._mapping.read(messages.read_joy(message))
        except VlmrlError:
            self._arbiter.lose("the joystick sends nonsense")
            raise
        if self.config.joy_sync:
            self._put(messages.stamp_of(message), "joy", human)
        else:
            self._arbiter.hear(human, time.monotonic_ns())

    def _put(self, stamp_ns: int, part: str, value: Any) -> None:
        if self._spec is None or not self.active:
            return
        for stamp, parts in self._join.put(stamp_ns, part, value):
            if "joy" in parts:
                self._arbiter.hear(parts["joy"], stamp)  # an operator who keeps step is never silent between two steps
            self._decide(stamp, parts["feedback"], parts["policy_action"])

    def _watch(self) -> None:
        """Let a person in control drive although the policy is silent, and stop the arm when they let go of it."""
        if self._spec is None or not self.active or self._unanswered is None:
            return
        if not self._arbiter.held and self._source is not Source.HUMAN:
            return
        stamp_ns, feedback, since_s = self._unanswered
        if time.monotonic() - since_s > self.config.policy_timeout_s:
            self._decide(stamp_ns, feedback, None)

    def _decide(self, stamp_ns: int, feedback: Feedback, policy_action: FloatArray | None) -> None:
        now_ns = stamp_ns if self.config.joy_sync else time.monotonic_ns()
        decision = self._arbiter.step(stamp_ns, policy_action, now_ns, first=feedback.step == 0)
        self._unanswered = None
        self._source = decision.intervention.source
        self._send(
            messages.command_message(stamp_ns, self._spec.action, decision.command, decision.mark),
            messages.intervention_message(stamp_ns, decision.intervention),
        )
        self._note(decision)

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

    def _on_estop(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self._spec is not None
        response.message = "no task yet"
        if self._spec is not None:
            if request.data:
                self._arbiter.estop("e-stop service")
            else:
                self._arbiter.release_estop()
            if request.data and self._unanswered is not None:
                self._decide(*self._unanswered[:2], None)  # at once, also when the policy is silent
            response.message = "stopped until estop is called with false" if request.data else "e-stop released"
        return response


def main() -> None:
    """Entry point."""
    sys.exit(run(Teleop, "Decides who acts, and publishes takeovers as reward.", TeleopConfig))
