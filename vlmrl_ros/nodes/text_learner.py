"""``text_learner``: makes episodes of what is said in the loop, learns in a worker thread, keeps the run directory."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.rivals import Rivals
from vlmrl_ros.bridge.shell import Shell, give_way, run
from vlmrl_ros.bridge.text_messages import check_text_spec
from vlmrl_ros.bridge.text_steps import SpokenSteps
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_steps import SpokenStep
from vlmrl_ros.nodes.given import existing_bags
from vlmrl_ros.nodes.run_keeper import NICENESS, RunKeeper
from vlmrl_ros.nodes.text_plan import TextLearnerConfig, TextPlan, TextTies
from vlmrl_ros.nodes.worker import Worker

if TYPE_CHECKING:
    from vlmrl_ros.nodes.text_run import TextRun

STATUS_NAMES = ["version", "steps", "updates", "finished", "episode", "idle", "wanted"]


class TextLearner(Shell[TextLearnerConfig]):
    """Receives; the worker learns. Receiving never waits for learning."""

    config_type = TextLearnerConfig

    def __init__(self) -> None:
        """Find the plug-in, check its options and claim the run directory.

        Raises:
            VlmrlError: an unknown plug-in, one that does not learn from text, a bad option, a run directory that is
                taken, bags that are missing.
        """
        super().__init__("text_learner")
        config = self.config
        builder = registry.load("learners", config.learner)
        if builder.experience is not TextEpisode:
            raise ConfigError(
                f"learner '{config.learner}' learns from {builder.experience.__name__}, not from episodes of text; "
                "those that do are in docs/language.md, and others are launched by sim_train.launch.py"
            )
        options = from_mapping(builder.config_type, plugin_options(self, config.learner), config.learner)
        show_options(self, config.learner, to_mapping(options))
        self._plan = TextPlan(config, plugin_options(self, config.task), options, existing_bags(config.offline))
        self._run: TextRun | None = None
        told = {self.get_name(): {**to_mapping(config), config.learner: to_mapping(options)}}
        self._keeper = RunKeeper(self, told)
        Rivals(self, "weights")
        from vlmrl_ros.nodes.text_run import BridgeBegan, TextRun  # loads TensorBoard and Matplotlib, which takes long

        self._make_run, self._bridge_began = TextRun, BridgeBegan

    def configure(self) -> None:
        """Offer services and begin: the data are made, or read, and learned from before anything is played."""
        self._keeper.configure()
        self._steps: SpokenSteps | None = None
        self._bridge_known = False
        self._status = self.publisher(JointState, "learner/status", qos.STATUS)
        ties = TextTies(self._keeper.publish, self.get_logger().info, self.diagnostics.problem)
        self._run = self._make_run(self._plan, self._keeper.directory, ties)
        worker = Worker(self._run, self._on_ready, self._report, self._on_end, waits=True)
        self._keeper.worker = worker
        worker.start()
        if self.config.episodes:
            self.listen(String, "spec", self._on_spec, qos.LATCHED)

    def close(self) -> None:
        """Leave the run directory whole and give it back; nothing is left of a run that never began."""
        self._keeper.close(lambda: self._run is not None and self._run.began)

    def _on_spec(self, message: String) -> None:
        """A bridge has started, or has started again; once it is known, another task is a stranger's."""
        try:
            check_text_spec(message, self.config.task, self._plan.task_options)
        except ConfigError as error:
            if self._bridge_known:
                raise
            self.fail(error)
            return
        if self._bridge_known and self._steps is not None and self._keeper.worker is not None:
            self._steps.reset()
            self._keeper.worker.put(self._bridge_began())
        self._bridge_known = True

    def _on_ready(self, after_ns: Sequence[int]) -> None:
        """The worker is ready for what comes: have the executor listen to it."""
        assert self.executor is not None
        self.executor.create_task(self._listen, after_ns[0])

    def _listen(self, after_ns: int) -> None:
        if self._keeper.worker is not None:
            self._steps = SpokenSteps(self, self._on_step, self._keeper.worker.skip, after_ns)

    def _on_step(self, step: SpokenStep) -> None:
        if self._keeper.worker is not None:
            self._keeper.ask_peers()
            self._keeper.worker.put(step)

    # Called by the worker thread; publishing is thread-safe.

    def _report(self, arm: int, stamp_ns: int) -> None:
        assert self._run is not None
        run, training = self._run, self._run.training
        wanted, idle = training.wanted(run.episodes), not training.chains.open
        counts = [run.version, training.steps, training.updates, run.finished, training.chains.newest, idle, wanted]
        newest_ns = max(0, stamp_ns, training.newest_ns)
        self._status.publish(messages.named_vector(newest_ns, STATUS_NAMES, counts))
        self.diagnostics.value("updates", training.updates)
        self.diagnostics.value("episodes lost", training.chains.broken)
        self.diagnostics.value("episodes refused", training.refused)

    def _on_end(self, error: BaseException | None) -> None:
        if error is not None:
            self.fail(error)  # type: ignore[arg-type]
            return
        assert self._run is not None
        for decoding, found in self._run.summary["final"].items():
            span = f"[{found['task_return_low']:.2f}, {found['task_return_high']:.2f}]"
            score = f", score {found['score']:.1f}{_of(self._run.summary['anchors'])}" if "score" in found else ""
            what = f"mean return {found['task_return']:.2f} {span}{score} in {found['episodes']} fresh episodes"
            self.get_logger().info(f"{decoding} decoding: {what}")
        self.get_logger().info(f"results: {self._run.path / 'summary.json'}, pictures: {self._run.path / 'plots'}")
        self.finish()


def _of(anchors: Mapping[str, float]) -> str:
    """The returns with which a score is to be compared, for people."""
    return (
        f" (0, 50 and 100 are {anchors['lowest']:.3g}, {anchors['average']:.3g} and {anchors['highest']:.3g}, the best)"
    )


def main() -> None:
    """Entry point."""
    give_way(NICENESS)
    sys.exit(run(TextLearner, "Learns from what is said in the loop and publishes weights.", TextLearnerConfig))
