"""``learner``: joins the steps, learns from them in a worker thread, publishes weights, keeps the run directory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.fleet import checked_names
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.rivals import Rivals
from vlmrl_ros.bridge.shell import Shell, give_way, run
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.segments import rings_on_disk
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.arm_steps import ArmSteps
from vlmrl_ros.nodes.curriculum import Announcer, with_curriculum
from vlmrl_ros.nodes.experience import SPEAKER, AsLived, AsSpoken, check_together, is_on_policy, listens, with_shared
from vlmrl_ros.nodes.given import checked_bags, offline_spec
from vlmrl_ros.nodes.learner_config import LearnerConfig
from vlmrl_ros.nodes.progress import Progress
from vlmrl_ros.nodes.run_keeper import NICENESS, RunKeeper
from vlmrl_ros.nodes.theory import check_reference
from vlmrl_ros.nodes.worker import Worker

if TYPE_CHECKING:
    from vlmrl_ros.core.interfaces import Learner
    from vlmrl_ros.nodes.learning_run import LearningRun


class LearnerNode(Shell[LearnerConfig]):
    """Receives; the worker learns. Receiving never waits for learning."""

    config_type = LearnerConfig

    def __init__(self) -> None:
        """Find the plug-in, check its options and claim the run directory.

        Raises:
            VlmrlError: an unknown plug-in, a bad option, a bad name of an arm, a run directory that is taken, bags
                that are missing, a reference that is none.
        """
        super().__init__("learner")
        config = self.config
        self._names = checked_names(config.arms)
        if config.curriculum and config.arms:
            raise ConfigError(f"curriculum is '{config.curriculum}', which goes with one arm; leave out arms")
        if config.curriculum:
            registry.check("curricula", config.curriculum)
        self._data = checked_bags(config.demonstrations, config.offline, config.offline_updates, config.arms)
        self._builder = registry.load("learners", config.learner)
        self._listens = listens(config.learner)
        given = plugin_options(self, config.learner)
        if self._listens:
            given = with_shared(self._builder.config_type, given, plugin_options(self, SPEAKER))
        options = from_mapping(self._builder.config_type, given, config.learner)
        check_together(config, options, self._listens)
        if "device" in {f.name for f in fields(options)}:
            options = replace(options, device=config.device)
        check_reference(config.reference, options)
        self._options = options
        self._curriculum_options: Mapping[str, Any] = {}
        show_options(self, config.learner, to_mapping(options))
        self._announcer: Announcer | None = None
        self._run: LearningRun | None = None
        self._progress = Progress(config.max_steps, self.get_logger().info, self._names, config.evaluate_with)
        told = {self.get_name(): {**to_mapping(config), config.learner: to_mapping(options)}}
        self._keeper = RunKeeper(self, told)
        Rivals(self, "weights")

    def configure(self) -> None:
        """Listen for the task's spec; the learner is built when it comes. Offline the bags have it."""
        config = self.config
        self._run = None
        self._keeper.configure()
        self.arms = [
            ArmSteps(self, name, partial(self._on_step, arm), partial(self._on_lost, arm), self._listens)
            for arm, name in enumerate(self._names)
        ]
        if config.offline and not config.offline_updates:
            assert self.executor is not None
            self.executor.create_task(self._begin_offline)
            return
        for arm, name in enumerate(self._names):
            self.listen(String, f"{name}/spec" if name else "spec", partial(self._on_spec, arm), qos.LATCHED)

    def close(self) -> None:
        """Leave the run directory whole and give it back; nothing is left of a run that never began."""
        self._keeper.close(lambda: self._run is not None and self._run.began)
        self._progress.close()

    def _on_spec(self, arm: int, message: String) -> None:
        spec = messages.read_spec(message, self._spec if self._run is not None else None)
        self.arms[arm].begin()
        if self._run is not None:
            return
        self._begin(lambda: spec)

    def _begin_offline(self) -> None:
        self._begin(lambda: offline_spec(self._data, self.config.eval_task))

    def _begin(self, find_spec: Callable[[], TaskSpec]) -> None:
        """Build the learner and let the worker begin."""
        try:
            self._spec = find_spec()
            self._run = self._make_run(self._spec)
        except Exception as error:  # noqa: BLE001 - not the message is wrong but the plug-in: there is nothing to run
            self.fail(error)
            return
        arms, in_turn = len(self._names), self.config.sync
        worker = Worker(self._run, self._on_ready, self._report, self._on_end, arms, in_turn)
        self._keeper.worker = worker
        worker.start()

    def _make_learner(self, spec: Any) -> Learner:
        """The plug-in, or with a curriculum two of it."""
        config = self.config
        on_disk = partial(rings_on_disk, Path(config.run_dir)) if config.replay_on_disk else nullcontext
        name = config.curriculum
        if not name:
            with on_disk():
                learner: Learner = self._builder.build(spec, self._options, stream(config.seed, "learner"))
                return learner
        given = plugin_options(self, name)
        both = with_curriculum(name, given, spec, self._builder, self._options, config.seed, on_disk)
        self._curriculum_options = both.curriculum.options
        show_options(self, name, both.curriculum.options)
        self._announcer = Announcer(self, both)
        return both

    def _on_ready(self, after_ns: Sequence[int]) -> None:
        """The worker has taken up what there was: have the executor listen to what comes after it."""
        assert self.executor is not None
        self.executor.create_task(self._subscribe, after_ns)

    def _make_run(self, spec: TaskSpec) -> LearningRun:
        from vlmrl_ros.bridge.bags.layout import BAGS
        from vlmrl_ros.bridge.bags.reader import read_streams, steps_after
        from vlmrl_ros.nodes.learning_run import LearningRun  # loads TensorBoard and Matplotlib
        from vlmrl_ros.nodes.plan import Plan, Ties

        config = self.config
        options_of_policy = plugin_options(self, SPEAKER) if self._listens else {}
        experience = AsSpoken(spec, self._options, options_of_policy) if self._listens else AsLived(spec)
        learner = self._make_learner(experience.spec)
        task_options = plugin_options(self, config.eval_task) if config.eval_task else {}
        plan = Plan(
            learner=config.learner,
            options=to_mapping(self._options),
            policy=self._options.policy,
            seed=config.seed,
            max_steps=config.max_steps,
            samples_per_insert=None if is_on_policy(self._options) else self._options.samples_per_insert,
            publish_every=config.publish_every,
            checkpoint_every=config.checkpoint_every,
            keep_checkpoints=config.keep_checkpoints,
            eval_task=config.eval_task,
            eval_task_options=task_options,
            eval_episodes=config.eval_episodes,
            final_eval_episodes=config.final_eval_episodes,
            resume=config.resume,
            arms=self._names,
            data=self._data,
            offline=bool(config.offline),
            offline_updates=config.offline_updates,
            curriculum=config.curriculum,
            curriculum_options=self._curriculum_options,
            reference=config.reference,
        )
        streams = read_streams(self._data, spec, self._listens)[1] if self._data else ()
        directory = self._keeper.directory
        ties = Ties(
            publish=self._keeper.publish,
            lived=lambda arm, after_ns: steps_after(directory.path / BAGS / self._names[arm], after_ns, self._listens),
            given=lambda: streams,
            say=self.get_logger().info,
            problem=self.diagnostics.problem,
        )
        return LearningRun(plan, learner, spec, directory, ties, experience)

    def _subscribe(self, after_ns: Sequence[int]) -> None:
        if self._keeper.worker is None:
            return  # closed meanwhile
        for arm, newest_ns in zip(self.arms, after_ns, strict=True):
            arm.listen(self._spec, newest_ns)

    def _on_step(self, arm: int, step: Step) -> None:
        if self._keeper.worker is not None:
            self._keeper.ask_peers(self.config.arms)
            self._keeper.worker.put(step, arm)

    def _on_lost(self, arm: int, stamp_ns: int) -> None:
        if self._keeper.worker is not None:
            self._keeper.worker.skip(stamp_ns, arm)

    # Called by the worker thread; publishing is thread-safe.

    def _report(self, arm: int, stamp_ns: int) -> None:
        run = self._run
        assert run is not None
        if self._announcer is not None:
            self._announcer.report(run.training.chains[arm].newest, stamp_ns)
        self.arms[arm].tell(stamp_ns, _status(run, arm, stamp_ns))
        self.diagnostics.value("updates", run.training.updates)
        self.diagnostics.value("learned steps", run.training.steps)
        self._progress.show(run)

    def _on_end(self, error: BaseException | None) -> None:
        if error is not None:
            self.fail(error)
            return
        assert self._run is not None
        self._progress.end(self._run)
        self.finish()


def _status(run: LearningRun, arm: int, stamp_ns: int) -> list[float]:
    """The values of an arm's ``learner/status`` after the step with the given stamp, learned from or given up."""
    training = run.training
    newest = training.chains[arm].newest
    episode = newest.feedback.episode if newest else -1
    last = newest is not None and newest.stamp_ns == stamp_ns and newest.feedback.last
    counts = [run.version, training.steps, training.updates, run.finished]
    return [*counts, episode, last, training.sieves[arm].demonstrations]


def main() -> None:
    """Entry point."""
    give_way(NICENESS)
    sys.exit(run(LearnerNode, "Learns from the steps of the loop and publishes weights.", LearnerConfig))
