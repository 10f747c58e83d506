"""``text_learner``: makes episodes of what is said in the loop, learns in a worker thread, keeps the run directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from sensor_msgs.msg import JointState
from std_msgs.msg import String, UInt8MultiArray
from std_srvs.srv import SetBool, Trigger

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.peers import PeerParameters, Settings
from vlmrl_ros.bridge.rivals import Rivals
from vlmrl_ros.bridge.shell import Shell, give_way, run
from vlmrl_ros.bridge.text_messages import check_text_spec
from vlmrl_ros.bridge.text_steps import SpokenSteps
from vlmrl_ros.bridge.weights import Weights, encode, encode_to_file, size_bytes
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError, RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_steps import SpokenStep
from vlmrl_ros.nodes.text_plan import TextLearnerConfig, TextPlan, TextTies
from vlmrl_ros.nodes.worker import Worker

if TYPE_CHECKING:
    from vlmrl_ros.nodes.text_run import TextRun

STATUS_NAMES = ["version", "steps", "updates", "finished", "episode", "idle", "wanted"]
NICENESS = 10
"""The control loop comes first where cores are few."""
STOP_TIMEOUT_S = 2.0
"""After Ctrl-C the worker has so long to leave the run directory whole."""


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
        self._plan = TextPlan(config, plugin_options(self, config.task), options, _checked_bags(config.offline))
        self._worker: Worker | None = None
        self._run: TextRun | None = None
        self._claim()
        Rivals(self, "weights")
        from vlmrl_ros.nodes.text_run import BridgeBegan, TextRun  # loads TensorBoard and Matplotlib, which takes long

        self._make_run, self._bridge_began = TextRun, BridgeBegan

    def configure(self) -> None:
        """Offer services and begin: the data are made, or read, and learned from before anything is played."""
        if self._directory is None:
            self._claim()
        assert self._directory is not None
        self._steps: SpokenSteps | None = None
        self._bridge_known = False
        self._peers: PeerParameters | None = None
        self._weights = self.publisher(UInt8MultiArray, "weights", qos.LATCHED)
        self._status = self.publisher(JointState, "learner/status", qos.STATUS)
        self.create_service(Trigger, "checkpoint", self._on_checkpoint)
        self.create_service(SetBool, "pause", self._on_pause)
        ties = TextTies(self._publish_weights, self.get_logger().info, self.diagnostics.problem)
        self._run = self._make_run(self._plan, self._directory, ties)
        self._worker = Worker(self._run, self._on_ready, self._report, self._on_end, waits=True)
        self._worker.start()
        if self.config.episodes:
            self.listen(String, "spec", self._on_spec, qos.LATCHED)

    def close(self) -> None:
        """Leave the run directory whole and give it back; nothing is left of a run that never began."""
        if self._worker is not None:
            self._worker.stop(STOP_TIMEOUT_S)
            self._worker = None
        if self._directory is not None:
            self._directory.close(discard=self._run is None or not self._run.began)
            self._directory = None

    def _claim(self) -> None:
        config = self.config
        self._directory: RunDirectory | None = RunDirectory(Path(config.run_dir), config.resume)
        if not config.resume:
            self._write_config(
                {self.get_name(): {**to_mapping(config), config.learner: to_mapping(self._plan.learner)}}
            )

    def _on_spec(self, message: String) -> None:
        """A bridge has started, or has started again; once it is known, another task is a stranger's."""
        try:
            check_text_spec(message, self.config.task, self._plan.task_options)
        except ConfigError as error:
            if self._bridge_known:
                raise
            self.fail(error)
            return
        if self._bridge_known and self._steps is not None and self._worker is not None:
            self._steps.reset()
            self._worker.put(self._bridge_began())
        self._bridge_known = True

    def _on_ready(self, after_ns: Sequence[int]) -> None:
        """The worker is ready for what comes: have the executor listen to it."""
        assert self.executor is not None
        self.executor.create_task(self._listen, after_ns[0])

    def _listen(self, after_ns: int) -> None:
        if self._worker is not None:
            self._steps = SpokenSteps(self, self._on_step, self._worker.skip, after_ns)

    def _on_step(self, step: SpokenStep) -> None:
        if self._worker is None:
            return
        if self._peers is None:
            self._peers = PeerParameters(self, self._complete_config)
        self._worker.put(step)

    def _write_config(self, settings: Settings) -> None:
        assert self._directory is not None
        self._directory.write_text("config.yaml", yaml.safe_dump(settings, sort_keys=True))

    def _complete_config(self, settings: Settings) -> None:
        """Write what all nodes have said of themselves; a full disk does not end a run that has begun."""
        try:
            self._write_config(settings)
        except RunDirectoryError as error:
            self.get_logger().error(str(error))

    # Called by the worker thread; publishing is thread-safe.

    def _report(self, arm: int, stamp_ns: int) -> None:
        assert self._run is not None
        run, training = self._run, self._run.training
        wanted, idle = training.wanted(self.config.episodes), not training.chains.open
        counts = [run.version, training.steps, training.updates, run.finished, training.chains.newest, idle, wanted]
        newest_ns = max(0, stamp_ns, training.newest_ns)
        self._status.publish(messages.named_vector(newest_ns, STATUS_NAMES, counts))
        self.diagnostics.value("updates", training.updates)
        self.diagnostics.value("episodes lost", training.chains.broken)
        self.diagnostics.value("episodes refused", training.refused)

    def _publish_weights(self, weights: Weights) -> None:
        by_file = size_bytes(weights) > self.config.weights_inline_mib * 2**20
        directory = Path(self.config.run_dir) / "weights"
        self._weights.publish(encode_to_file(weights, directory) if by_file else encode(weights))

    def _on_end(self, error: BaseException | None) -> None:
        if error is not None:
            self.fail(error)  # type: ignore[arg-type]
            return
        assert self._run is not None
        for decoding, found in self._run.summary["final"].items():
            span = f"[{found['task_return_low']:.2f}, {found['task_return_high']:.2f}]"
            score = f", score {found['score']:.1f}" if "score" in found else ""
            what = f"mean return {found['task_return']:.2f} {span}{score} in {found['episodes']} fresh episodes"
            self.get_logger().info(f"{decoding} decoding: {what}")
        self.get_logger().info(f"results: {self._run.path / 'summary.json'}, pictures: {self._run.path / 'plots'}")
        self.finish()

    # Services.

    def _on_checkpoint(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._worker is not None, "a checkpoint follows the next step"
        if self._worker is not None:
            self._worker.checkpoint_asked.set()
        return response

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success, response.message = self._worker is not None, "paused" if request.data else "learning"
        if self._worker is not None:
            self._worker.pause(request.data)
        return response


def _checked_bags(paths: Sequence[str]) -> tuple[str, ...]:
    """Absolute.

    Raises:
        ConfigError: no directory.
    """
    for path in paths:
        if not Path(path).expanduser().is_dir():
            raise ConfigError(f"offline names '{path}', which is no directory; valid: bags, run directories or folders")
    return tuple(str(Path(path).expanduser().resolve()) for path in paths)


def main() -> None:
    """Entry point."""
    give_way(NICENESS)
    sys.exit(run(TextLearner, "Learns from what is said in the loop and publishes weights.", TextLearnerConfig))
