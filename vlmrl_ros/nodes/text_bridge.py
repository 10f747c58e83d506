"""``text_bridge``: text tasks behind the topics of the loop; waits for what is said, and for the learner."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.learner_messages import TextPlace, read_text_place
from vlmrl_ros.bridge.parameters import plugin_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.bridge.text_messages import (
    EXECUTED,
    OBSERVATION,
    SAID,
    answer_message,
    read_answer,
    spec_message,
    text_message,
)
from vlmrl_ros.core.config import option
from vlmrl_ros.core.continuation import Continuation, Place
from vlmrl_ros.core.text_episode import ClonableTextTask
from vlmrl_ros.core.text_games import TextArrival, TextGames
from vlmrl_ros.core.text_steps import STEP_NS
from vlmrl_ros.sim.text.load import game

LOOK_PERIOD_S = 0.05


@dataclass(frozen=True)
class TextBridgeConfig:
    """Parameters of ``text_bridge``; options of the task are ``<task>.<option>``."""

    task: str = option("maze", "name of the text task plug-in, or textarena:<id>")
    seed: int = option(0, "episode n draws its randomness from (seed, n)", low=0, high=2**31 - 1)
    num_envs: int = option(1, "games that are played at once", low=1, high=256)
    sync: bool = option(True, "wait for the learner whenever an episode has ended")
    answer_timeout_s: float = option(
        2.0, "without an answer for so long the bridge asks again with the same stamp", unit="s", low=0.01, high=3600.0
    )


class TextBridge(Shell[TextBridgeConfig]):
    """Shows, carries out what was said, shows what came of it. Episodes begin as the learner wants them."""

    config_type = TextBridgeConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("text_bridge")
        self._tasks: list[ClonableTextTask] = []

    def configure(self) -> None:
        """Build the games and say what they are."""
        config = self.config
        options = plugin_options(self, config.task)
        plugin = game(config.task)
        self._tasks = [plugin.build(options) for _ in range(config.num_envs)]
        self._games = TextGames(self._tasks, config.seed)
        self._continuation: Continuation | None = Continuation(STEP_NS, in_sync=config.sync)
        self._learner: TextPlace | None = None
        self._needed_ns = 0
        self._time = self.publisher(Clock, "/clock", qos.CLOCK)
        self._observation = self.publisher(String, OBSERVATION, qos.STEP)
        self._feedback = self.publisher(JointState, "feedback", qos.STEP)
        self._executed = self.publisher(String, EXECUTED, qos.STEP)
        self._spec = self.publisher(String, "spec", qos.LATCHED)
        self.listen(String, SAID, self._on_said, qos.STEP)
        self.listen(JointState, "learner/status", self._on_learner, qos.STEP)
        self.create_service(Trigger, "reset", self._on_reset)
        self._spec.publish(spec_message(config.task, options))

    def activate(self) -> None:
        """Begin where the learner is, or go on where the node was deactivated."""
        self._heard_s = time.monotonic()
        self._reminder = self.steady_timer(self.config.answer_timeout_s, self._remind)
        self._looking = self.steady_timer(LOOK_PERIOD_S, self._begin)

    def deactivate(self) -> None:
        """The games stand still."""
        self.destroy_timer(self._reminder)
        self.destroy_timer(self._looking)

    def close(self) -> None:
        """Free the games."""
        for task in self._tasks:
            task.close()
        self._tasks = []

    def _begin(self) -> None:
        """Show the first texts once the learner has said where the run is."""
        if not self.active:
            return
        if self._continuation is not None:
            place = self._continuation.begin(time.monotonic())
            if place is None:
                return
            self._games.go_on(*place)
            self._continuation = None
        self.destroy_timer(self._looking)
        self._show_when_due()

    def _on_learner(self, message: JointState) -> None:
        place = read_text_place(message)
        if self._continuation is not None:
            self._continuation.hear(Place(place.stamp_ns, place.episode, place.idle, 0), time.monotonic())
        self._learner = place
        self._show_when_due()

    def _on_said(self, message: String) -> None:
        stamp_ns, answer = read_answer(message, SAID)
        if not self.active:
            return
        if self._games.hear(stamp_ns, answer):
            self._show_when_due()
        else:
            self.diagnostics.count("stale answers")

    def _show_when_due(self) -> None:
        """Go on as far as answers and the learner let it."""
        if not self.active or self._continuation is not None:
            return
        try:
            while self._carried_out() and self._may_show() and self._shows():
                pass
        except Exception as error:  # noqa: BLE001 - the task has a defect, or what it stands on is gone
            self.fail(error)

    def _carried_out(self) -> bool:
        """Carry out the tick under way if all its answers are there; whether none is under way then.

        Whoever joins steps by stamp counts on their order, so no game's is over before those of the games before it.
        """
        if self._games.asked and not self._games.waiting:
            for stamp, said in self._games.carry_out():
                self._executed.publish(answer_message(stamp, said))
        return not self._games.asked

    def _may_show(self) -> bool:
        """Whether the learner is where it has to be."""
        learner = self._learner
        if learner is None or learner.finished:
            return False
        return not self.config.sync or learner.stamp_ns >= self._needed_ns

    def _shows(self) -> bool:
        """The next tick; False where nothing is played."""
        assert self._learner is not None
        arrivals = self._games.arrive(self._learner.wanted, self._learner.version)
        for arrival in arrivals:
            self._show(arrival)
            if arrival.feedback.last:
                self._needed_ns = arrival.stamp_ns
        self.diagnostics.problem("")
        return bool(arrivals)

    def _show(self, arrival: TextArrival) -> None:
        self._heard_s = time.monotonic()
        self._time.publish(Clock(clock=messages.to_time(arrival.stamp_ns)))
        self._observation.publish(text_message(arrival.stamp_ns, arrival.text))
        self._feedback.publish(messages.feedback_message(arrival.stamp_ns, arrival.feedback))
        self.diagnostics.tick()

    def _remind(self) -> None:
        """An answer was lost, or the policy was started again: ask again with the same stamp."""
        timeout_s = self.config.answer_timeout_s
        waiting = self._games.waiting
        if not waiting or time.monotonic() - self._heard_s < timeout_s:
            return
        self.diagnostics.problem(f"no answer for more than {timeout_s:g} s: the game waits")
        for arrival in waiting:
            self._show(arrival)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._games.cut()
        response.success, response.message = True, "every episode under way ends at its next step"
        return response


def main() -> None:
    """Entry point."""
    sys.exit(run(TextBridge, "Text tasks behind the topics of the loop.", TextBridgeConfig))
