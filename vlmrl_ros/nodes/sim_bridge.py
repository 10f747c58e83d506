"""``sim_bridge``: a simulated task behind the contract, in lockstep or in real time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import learner_messages, messages, qos
from vlmrl_ros.bridge.arrivals import FILM, ArrivalPublisher
from vlmrl_ros.bridge.pacing import PacedTicks
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.safeguard import Safeguard
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.continuation import Continuation
from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.episode_plan import Announcements
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.followers import Followers
from vlmrl_ros.core.late_marks import LateMarks
from vlmrl_ros.core.safety import SafetyConfig, SafetyFilter
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.classified import ClassifiedTask, success_detector
from vlmrl_ros.nodes.sim_bridge_config import SimBridgeConfig
from vlmrl_ros.sim.load import build as build_task

LATE_TICKS = 2.0
"""Realtime: what answers an older observation, because the bridge itself stood still, is void."""
PEER_START_S = 20.0
"""A learner or recorder that has not answered yet may be loading for so long before it counts as silent."""
LOOK_PERIOD_S = 0.05


class _Command(NamedTuple):
    stamp_ns: int
    action: FloatArray
    mark: Mark


class SimBridge(Shell[SimBridgeConfig]):
    """Publishes what happens in the simulation and applies what is commanded, after limits."""

    config_type = SimBridgeConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("sim_bridge")
        self._viewer: Any = None
        self._task: Any = None

    def configure(self) -> None:
        """Build the task and publish its spec."""
        config = self.config
        self._published = False
        self._learning_ended = False
        self._reset_asked = False
        self._command: _Command | None = None
        self._late, self._late_mark = LateMarks(), Mark.NONE
        self._waiting_since_s = 0.0
        options = plugin_options(self, config.task)
        self._task = build_task(config.task, options)
        if config.reward_classifier:
            detector = success_detector(Path(config.reward_classifier), self._task.spec.cameras)
            self._task = ClassifiedTask(self._task, detector)
        self._spec = self._task.spec
        limits = from_mapping(SafetyConfig, plugin_options(self, "safety"), "safety")
        if limits.dead_man_button >= 0 and config.time == "lockstep":
            raise ConfigError(f"safety.dead_man_button is {limits.dead_man_button}; valid in lockstep: -1 (none)")
        show_options(self, config.task, self._task.options)
        show_options(self, "safety", to_mapping(limits))
        self._safety = SafetyFilter(self._spec.action, self._spec.control_dt_s, limits)
        self._safeguard = Safeguard(self, self._safety)
        self._episodes = Episodes(self._task, self._safety, config.seed, config.episodes_alike)
        self._prepare_to_wait()
        self._arrival = self._episodes.begin()  # what cannot begin, or be rendered, fails here
        if not config.headless:
            from vlmrl_ros.sim.viewer import Viewer  # opens a window: only where one is wanted

            self._viewer = Viewer(self._task)
        self.listen(JointState, "command", self._on_command, qos.COMMAND)
        self.listen(JointState, "learner/status", self._on_learner, qos.STEP)
        if self._plans is not None:
            self.listen(String, "curriculum/plan", self._on_plan, qos.LATCHED)
        if config.time == "lockstep" and config.recorder_lag_steps >= 0:
            self.listen(JointState, "recorder/status", self._on_recorder, qos.STEP)
        self.create_service(Trigger, "reset", self._on_reset)
        self._instructs = hasattr(self._task, "instruction")
        self._out = ArrivalPublisher(self, self._spec, instructs=self._instructs)

    def _prepare_to_wait(self) -> None:
        """For those who follow, for the place where a run goes on, and for plans of a curriculum."""
        config = self.config
        lags = {"learner": config.learner_lag_steps, "recorder": config.recorder_lag_steps}
        self._followers = Followers(self._episodes.dt_ns, lags)
        self._plans = Announcements(self._spec, config.time == "lockstep") if config.curriculum else None
        self._resting = False
        in_sync = config.time == "lockstep" and config.learner_lag_steps == 0
        begins_later = config.continues or config.curriculum
        self._continuation = Continuation(self._episodes.dt_ns, in_sync) if begins_later else None

    def activate(self) -> None:
        """Begin the first episode, or go on where the node was deactivated."""
        config = self.config
        if config.time == "realtime":
            self._period_s = 1.0 / config.rate_hz if config.rate_hz else self._spec.control_dt_s
            self._ticks = PacedTicks(self.diagnostics, self._period_s)
            self._commanded_s = time.monotonic()
            self._timer = self.steady_timer(self._period_s, self._tick)
        else:
            self._timer = self.steady_timer(config.command_timeout_s, self._remind)
        if self._continuation is None:
            self._publish(self._arrival)
        else:
            self.diagnostics.problem("waits for learner/status to go on with the run")
            self._looking = self.steady_timer(LOOK_PERIOD_S, self._go_on)

    def deactivate(self) -> None:
        """Stop ticking; the simulation stands still."""
        self.destroy_timer(self._timer)
        if self._continuation is not None:
            self.destroy_timer(self._looking)

    def close(self) -> None:
        """Free the simulation."""
        for resource in (self._viewer, self._task):
            if resource is not None:
                resource.close()
        self._viewer = self._task = None

    def _go_on(self) -> None:
        """Begin where the learner says that the run is, once it has."""
        assert self._continuation is not None
        begin = self._continuation.begin(time.monotonic())
        plan = self._plans.newest if self._plans is not None else None
        if begin is None or (self._plans is not None and plan is None):
            return
        self.destroy_timer(self._looking)
        self._continuation = None
        self._arrival = self._episodes.go_on(*begin, plan)
        self._followers.go_on(self._arrival.stamp_ns - self._episodes.dt_ns)
        self.diagnostics.problem("")
        self.get_logger().info(f"goes on with the run at {begin[0] * 1e-9:.3f} s, episode {begin[1]}")
        self._publish(self._arrival)

    # Lockstep: each command moves the simulation by one step.

    def _on_command(self, message: JointState) -> None:
        self._safeguard.hear(message)
        action = messages.read_vector(message, self._spec.action, "command")
        command = _Command(messages.stamp_of(message), action, messages.read_mark(message))
        if not self.active:
            return
        if command.stamp_ns != self._arrival.stamp_ns or not self._published:
            self.diagnostics.count("stale commands")
            if self.config.time == "realtime":
                heard = self._late.hear(command.stamp_ns, self._arrival.stamp_ns - 1, command.mark)
                self._late_mark = heard or self._late_mark
        elif self.config.time == "realtime":
            self._command = command
        else:
            self._advance(command)
            self._publish_when_due()

    def _on_learner(self, message: JointState) -> None:
        version, ended = learner_messages.read_learner_status(message)
        if self._continuation is not None:
            self._continuation.hear(learner_messages.read_place(message), time.monotonic())
            self._episodes.weights_version, self._learning_ended = version, ended
            return
        if messages.stamp_of(message) > self._arrival.stamp_ns:
            self.diagnostics.count("learner/status of steps that never were")
            return
        self._episodes.weights_version, self._learning_ended = version, ended
        self._followers.hear("learner", messages.stamp_of(message))
        if self.active and self.config.time == "lockstep":
            self._publish_when_due()

    def _on_plan(self, message: String) -> None:
        assert self._plans is not None
        self._plans.hear(message.data)
        if self.active and self._continuation is None and self.config.time == "lockstep":
            self._publish_when_due()

    def _on_recorder(self, message: JointState) -> None:
        stamp_ns = messages.stamp_of(message)
        if self._continuation is None and stamp_ns <= self._arrival.stamp_ns:
            self._followers.hear("recorder", stamp_ns)
            if self.active:
                self._publish_when_due()

    def _publish_when_due(self) -> None:
        """Publish the arrival once learner and recorder are close enough behind it."""
        if self._published or self._learning_ended:  # what nobody learns from is left to the run's next part
            return
        if self._resting and not self._begin_by_plan():
            return
        if self._followers.behind(self._arrival.stamp_ns) is None:
            self._publish(self._arrival)

    def _remind(self) -> None:
        """Nothing came in time: the arm stands still; say so and ask again with the same stamp."""
        if self._continuation is not None:
            return
        timeout_s = self.config.command_timeout_s
        waited_s = time.monotonic() - self._waiting_since_s
        peer = self._followers.behind(self._arrival.stamp_ns) or "learner"
        loads = not (self._published or self._followers.has_answered(peer))
        if self._learning_ended or waited_s < (PEER_START_S if loads else timeout_s):
            self.diagnostics.problem("")
        elif self._published:
            self.diagnostics.problem(f"no command for more than {timeout_s:g} s: the arm stands still and waits")
            self._out.arrival(self._arrival)
        else:
            self.diagnostics.problem(
                f"the {peer} is silent for more than {timeout_s:g} s: the arm stands still and waits"
            )

    # Real time: the steady clock moves the simulation; a command is good for the step whose observation it answers.

    def _tick(self) -> None:
        arrival = self._arrival
        if not self.active or self._continuation is not None:
            return
        now_s, timeout_s = time.monotonic(), self.config.command_timeout_s
        self._ticks.tick()
        command = self._fresh_command(arrival, now_s)
        if command is not None:
            self._commanded_s = now_s
        else:
            self.diagnostics.count("steps without a command")
        silent = now_s - self._commanded_s > timeout_s
        self.diagnostics.problem(f"no command for more than {timeout_s:g} s: the arm stands still" if silent else "")
        self._advance(command)
        if self._resting:
            self._begin_by_plan()
        self._publish(self._arrival)

    def _fresh_command(self, arrival: Arrival, now_s: float) -> _Command | None:
        """The newest command, if it answers this arrival, and the arrival is not out of date itself."""
        command = self._command
        answers = command is not None and command.stamp_ns == arrival.stamp_ns
        return command if answers and now_s - self._waiting_since_s <= LATE_TICKS * self._period_s else None

    # Both.

    def _advance(self, command: _Command | None) -> None:
        arrival = self._arrival
        said = command.mark if command else Mark.NONE
        mark = Mark.RESET if self._reset_asked else said or self._late_mark
        self._reset_asked, self._late_mark = False, Mark.NONE
        action = command.action if command else None
        if command or arrival.feedback.last:
            self._late.settle(arrival.stamp_ns)
        if self._plans is not None and arrival.feedback.last:
            applied, self._resting = self._episodes.rest(), True
        else:
            applied, self._arrival = self._episodes.advance(arrival, action, mark, time.monotonic())
        self._safeguard.note(applied)
        self._out.executed(arrival.stamp_ns, applied)
        self._published = False

    def _begin_by_plan(self) -> bool:
        """After the last step of an episode: begin the next, once it is said how it goes."""
        assert self._plans is not None
        plan = self._plans.following(self._arrival.stamp_ns)
        if plan is None:
            return False
        self._arrival, self._resting = self._episodes.begin(plan), False
        return True

    def _publish(self, arrival: Arrival) -> None:
        self._arrival = self._episodes.with_version(arrival)
        self._published = True
        self._waiting_since_s = time.monotonic()
        if self._instructs and self._arrival.feedback.step == 0:
            self._out.instruct(self._task.instruction)
        self._out.arrival(self._arrival)
        if self.config.film:
            self._out.film(self._arrival.stamp_ns, self._task.render("front", FILM.height, FILM.width))
        self.diagnostics.tick()
        if self._viewer is not None:
            self._viewer.sync()

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._reset_asked = True
        response.success, response.message = True, "the episode ends at the next step"
        return response


def main() -> None:
    """Entry point."""
    sys.exit(run(SimBridge, "A simulated task behind the topics of a real arm.", SimBridgeConfig))
