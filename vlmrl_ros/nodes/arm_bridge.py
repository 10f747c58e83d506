"""``arm_bridge``: a real arm behind the contract, put together from the topics that arms already speak."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import learner_messages, messages, qos
from vlmrl_ros.bridge.actuator import Actuator, JointModel
from vlmrl_ros.bridge.arm_inputs import ArmInputs
from vlmrl_ros.bridge.arm_reset import HomeReset, ManualReset
from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.arrivals import ArrivalPublisher
from vlmrl_ros.bridge.outputs.output import Output, Space
from vlmrl_ros.bridge.pacing import PacedTicks
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.safeguard import Safeguard
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core import registry
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_episode import ArmEpisodes, Phase
from vlmrl_ros.core.arm_features import ArmState, task_spec
from vlmrl_ros.core.arm_observer import ArmObserver
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.continuation import Continuation
from vlmrl_ros.core.episode import Arrival
from vlmrl_ros.core.errors import ConfigError, VlmrlError
from vlmrl_ros.core.late_marks import LateMarks
from vlmrl_ros.core.safety import JointFilter, SafetyConfig, SafetyFilter
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.classified import success_detector

GRACE_TICKS = 0.25
"""A command is carried out for one tick and this part of the next, for an answer that comes a little later."""


@dataclass(frozen=True)
class ArmBridgeConfig:
    """Parameters of ``arm_bridge``; all else of the arm is in its file. ``safety.<option>`` overrides its limits."""

    arm: str = option("", "description of the arm: the name of one that comes with the package, or <path>.yaml")
    seed: int = option(0, "the start of episode n is drawn from (seed, n)", low=0, high=2**31 - 1)
    continues: bool = option(False, "go on with a run: wait for learner/status and begin after the step that it names")


@dataclass(frozen=True)
class _OpenStep:
    """A step that waits for its command: stamp in ns, time of publishing on the steady clock in s."""

    stamp_ns: int
    published_s: float


class ArmBridge(Shell[ArmBridgeConfig]):
    """Publishes what the arm's topics say at each tick, and tells the arm what is commanded, after limits."""

    config_type = ArmBridgeConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("arm_bridge")

    def configure(self) -> None:
        """Read the description, find the output, listen to the arm and publish the spec."""
        if not self.config.arm:
            raise ConfigError("parameter 'arm' is empty; valid: the name of an arm, or <path>.yaml")
        arm, folder = load_arm(self.config.arm)
        self._arm = arm
        self._tick_s = arm.general.tick_s
        self._spec = task_spec(arm)
        limits = from_mapping(SafetyConfig, {**to_mapping(arm.limits), **plugin_options(self, "safety")}, "safety")
        show_options(self, "safety", to_mapping(limits))
        self._safety = SafetyFilter(self._spec.action, self._tick_s, limits)
        output: Output = registry.load("outputs", arm.output.plugin)(self, arm, arm.output_options)
        show_options(self, arm.output.plugin, output.options)
        model = self._model(arm, folder, output)
        by_kinematics = arm.tip.source == "kinematics" and model is not None
        self._inputs = ArmInputs(self, arm, model.locate if by_kinematics else None)
        joints = None
        if model is not None and output.space is not Space.TIP:
            joints = (model, JointFilter(arm.joints.names, arm.output.period_s, model.limits))
        self._actuator = Actuator(self, arm, self._spec.action, self._inputs, output, joints)
        self._safeguard = Safeguard(self, self._safety, joints[1] if joints else None, self._actuator.stop)
        self._observer = ArmObserver(arm)
        by_sight = arm.success.test == "classifier"
        self._detector = success_detector(folder / arm.success.classifier, self._spec.cameras) if by_sight else None
        self._reset = self._reset_procedure(arm)
        self._begin_anew()
        self.listen(JointState, "command", self._on_command, qos.COMMAND)
        self.listen(JointState, "learner/status", self._on_learner, qos.STATUS)
        self.create_service(Trigger, "reset", self._on_reset)
        self._out = ArrivalPublisher(self, self._spec, simulated=False)

    @staticmethod
    def _model(arm: ArmDescription, folder: object, output: Output) -> JointModel | None:
        """Kinematics of the arm, where something needs them."""
        if arm.tip.source != "kinematics" and output.space is Space.TIP:
            return None
        if not arm.model.mjcf:
            raise ConfigError(f"arm '{arm.name}': output {arm.output.plugin} commands joints and needs model.mjcf")
        from vlmrl_ros.sim.arm_model import ArmModel  # loads MuJoCo

        home = np.array(arm.home.joints) if arm.home.joints else None
        return ArmModel(arm.model, arm.joints, home, folder)

    def _reset_procedure(self, arm: ArmDescription) -> HomeReset | ManualReset:
        if arm.reset.procedure == "manual":
            return ManualReset(self, self._spec)
        return HomeReset(self, arm, self._spec, self._inputs, self.config.seed)

    def _begin_anew(self) -> None:
        general = self._arm.general
        self._episodes = ArmEpisodes(general.horizon, general.post_success_steps)
        self._reset.begin(self._episodes.episode)
        self._continuation = Continuation(round(self._tick_s * 1e9), in_sync=False) if self.config.continues else None
        self._open: _OpenStep | None = None
        self._stamp_ns, self._late = 0, LateMarks()
        self._blind = True
        self._unanswered = 0
        self._previous: FloatArray = np.zeros(self._spec.action.size, np.float32)

    def activate(self) -> None:
        """Begin to tick; the arm is reset first."""
        self._ticks = PacedTicks(self.diagnostics, self._tick_s)
        self._timer = self.steady_timer(self._tick_s, self._tick)
        self._actuator.start()

    def deactivate(self) -> None:
        """Stop the arm and tick no more."""
        self._actuator.end()
        self.destroy_timer(self._timer)

    # A tick.

    def _tick(self) -> None:
        if not self.active or not self._knows_the_run():
            return
        self._ticks.tick()
        self._stamp_ns = max(self._stamp_ns + 1, int(self.get_clock().now().nanoseconds))
        self._close_step()
        state = self._look()
        if state is None:
            return
        self._observer.follow(state)
        if self._episodes.phase is Phase.RESETTING and not self._go_to_start(state):
            return
        self._arrive(state)

    def _look(self) -> ArmState | None:
        """The state of this tick; without one the arm stands still and the episode is cut."""
        try:
            state, missing = self._inputs.look(self._stamp_ns)
            why = f"no fresh {', '.join(missing)}"
        except VlmrlError as error:
            state, why = None, str(error)
        if state is None:
            self._actuator.stop()
            self._safety.restart()
            self._observer.lose()
            self._episodes.lose()
            self._blind = True
            self.diagnostics.count("blind ticks")
            self.diagnostics.value("episodes cut", self._episodes.cut)
            self.diagnostics.problem(f"{why}: the arm stands still")
        elif self._blind:
            self._blind = False
            self._actuator.anchor(state)
            if self._episodes.phase is Phase.RESETTING:
                self._reset.begin(self._episodes.episode)
            self.diagnostics.problem("")
        return state

    def _go_to_start(self, state: ArmState) -> bool:
        """One tick of the reset procedure; true when the arm is ready for the episode."""
        wanted, ready = self._reset.step(self._stamp_ns, state)
        if not ready:
            self._carry_out(wanted, state)
            return False
        self._actuator.stop()
        self._safety.restart()
        self._episodes.begin()
        self._late.settle(self._stamp_ns - 1)
        self._previous = np.zeros_like(self._previous)
        return True

    def _arrive(self, state: ArmState) -> None:
        """Publish a step."""
        sight = self._observer.see(state, self._actuator.lag(state.tip), self._previous)
        in_goal = sight.in_goal if self._detector is None else self._detector.succeeded(sight.observation)
        feedback = self._episodes.arrive(in_goal)
        self._out.arrival(Arrival(self._stamp_ns, sight.observation, feedback, sight.scene, {}))
        self.diagnostics.tick()
        if not feedback.last:
            self._open = _OpenStep(self._stamp_ns, time.monotonic())
            return
        self._actuator.stop()
        self._out.executed(self._stamp_ns, self._safety.still())
        self._reset.begin(self._episodes.episode)

    def _close_step(self) -> None:
        """A step that nobody has answered until the next tick: the arm stands still."""
        if self._open is None:
            return
        stamp_ns, self._open = self._open.stamp_ns, None
        self._actuator.stop()
        self.diagnostics.count("steps without a command")
        self._unanswered += 1
        if self._unanswered > 1:
            self.diagnostics.problem(f"no command for {self._unanswered} ticks: the arm stands still")
        self._previous = np.zeros_like(self._previous)
        self._out.executed(stamp_ns, self._safety.still())

    def _carry_out(self, wanted: FloatArray, state: ArmState | None, age_s: float = 0.0) -> FloatArray:
        """Filter a velocity and tell the arm at once; returns what was let through."""
        tip = self._inputs.tip_now() if state is None else state.tip
        self._applied = self._safety.apply(wanted, age_s, tip, time.monotonic())
        self._safeguard.note(self._applied)
        self._actuator.hold(self._applied.action, time.monotonic() + (1.0 + GRACE_TICKS) * self._tick_s)
        return self._applied.action

    # What others say.

    def _on_command(self, message: JointState) -> None:
        self._safeguard.hear(message)
        action = messages.read_vector(message, self._spec.action, "command")
        mark = messages.read_mark(message)
        step = self._open
        stamp_ns = messages.stamp_of(message)
        if not self.active or step is None or stamp_ns != step.stamp_ns:
            self.diagnostics.count("stale commands")
            self._episodes.mark(self._late.hear(stamp_ns, self._stamp_ns, mark))
            return
        self._open = None
        self._late.settle(stamp_ns)
        if self._unanswered > 1:
            self.diagnostics.problem("")
        self._unanswered = 0
        self._episodes.mark(mark)
        self._previous = self._carry_out(action, None, time.monotonic() - step.published_s)
        self._out.executed(step.stamp_ns, self._applied)

    def _on_learner(self, message: JointState) -> None:
        version, _ = learner_messages.read_learner_status(message)
        self._episodes.weights_version = version
        if self._continuation is not None:
            place = learner_messages.read_place(message)
            self._continuation.hear(place, time.monotonic())
            self._stamp_ns = max(self._stamp_ns, place.stamp_ns)

    def _knows_the_run(self) -> bool:
        """With ``continues``, wait until the learner has said where the run is."""
        if self._continuation is None:
            return True
        begin = self._continuation.begin(time.monotonic())
        if begin is None:
            self.diagnostics.problem("waits for learner/status to go on with the run")
            return False
        self._continuation = None
        _, episode = begin  # in real time the clock itself is ahead of all stamps before
        self._episodes.go_on(episode)
        self._reset.begin(episode)
        self.diagnostics.problem("")
        self.get_logger().info(f"goes on with the run in episode {episode}")
        return True

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._episodes.mark(Mark.RESET)
        response.success = self._episodes.phase is Phase.RUNNING
        response.message = "the episode ends at the next step" if response.success else "the arm is being reset already"
        return response


def main() -> None:
    """Entry point."""
    sys.exit(run(ArmBridge, "A real arm behind the topics of the loop.", ArmBridgeConfig))
