"""One run of a learner of text: data, weights, checkpoints, evaluation, summary. Runs in a worker thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_steps import SpokenStep
from vlmrl_ros.core.text_training import TextTraining
from vlmrl_ros.nodes.board import Board
from vlmrl_ros.nodes.checkpoints import Checkpoints, policy_parts, taking_up
from vlmrl_ros.nodes.plan import same_run
from vlmrl_ros.nodes.problems import Problems
from vlmrl_ros.nodes.published import read_published
from vlmrl_ros.nodes.releases import Versions
from vlmrl_ros.nodes.stopwatch import Stopwatch
from vlmrl_ros.nodes.text_judge import DECODINGS, evaluate
from vlmrl_ros.nodes.text_log import anchors, draw_returns, first_and_last, judged, scale_of
from vlmrl_ros.nodes.text_plan import TextPlan, TextTies
from vlmrl_ros.nodes.text_source import check_source, spec_and_data
from vlmrl_ros.sim.text.load import game

ROUNDS, SHOWN = 20, 100
"""Own episodes where none are asked for: so many times what an update takes; of who learns from data alone, so many."""
TOLD_PARTS = 20
"""So often it is told how far a part of the run is."""


@dataclass(frozen=True)
class BridgeBegan:
    """Stands in the queue of steps where a bridge has started again: what was under way is lost."""

    stamp_ns: int = -1


class TextRun:
    """Digests steps and leaves a whole run directory behind, whenever it ends. See :class:`~.worker.Run`."""

    training: TextTraining

    def __init__(self, plan: TextPlan, directory: RunDirectory, ties: TextTies) -> None:
        """Prepare; :meth:`begin` makes the learner and opens the files.

        Args:
            plan: what to do.
            directory: claimed for this run.
            ties: to the node.
        """
        self._plan, self._config, self._ties = plan, plan.config, ties
        self._directory = directory
        self._game = game(plan.config.task)
        self._scale = scale_of(self._game, plan.task_options)
        self._problems = Problems(ties.problem)
        self.path = directory.path
        self.episodes = plan.config.episodes
        self.finished = self.began = False
        self.without_robot = not plan.config.episodes
        self.summary: dict[str, Any] = {}
        self._versions = Versions()
        folder = directory.path / "checkpoints"
        self._checkpoints = Checkpoints(folder, plan.config.keep_checkpoints, self._place, self._problems)
        self._wall = Stopwatch()

    @property
    def version(self) -> int:
        """Number of the newest weights; 0 before the first."""
        return self._versions.version

    @property
    def newest_ns(self) -> tuple[int, ...]:
        """Stamp of the newest step, ns; -1 before the first."""
        return (self.training.newest_ns,)

    def _place(self) -> tuple[int, ...]:
        """How far the run is."""
        return self.training.updates, self.training.steps, self.version

    def begin(self) -> None:
        """Take in the data, make the learner, go on from the newest whole checkpoint where the plan says so.

        Raises:
            VlmrlError: no data, bags of another task, an option of the learner that does not fit, a run directory of
                another run.
        """
        plan, config = self._plan, self._config
        same_run(plan.identity(), self._directory, config.resume)
        self._checkpoints.clean()
        spec, data = spec_and_data(plan, self._game, self._ties.say)
        builder = registry.load("learners", config.learner)
        learner = builder.build(spec, plan.learner, stream(config.seed, "learner"))
        needs_data = learner.wants is None or learner.cloning
        check_source(config, learner, bool(data) or not needs_data)
        if config.episodes < 0:
            self.episodes = SHOWN if learner.wants is None else ROUNDS * learner.wants
        self.training = TextTraining(learner, config.samples_per_insert)
        if not (config.resume and self._restore()) and needs_data:
            self.training.give(data)
        returns = [episode.undiscounted_return for episode in data]
        self._given: dict[str, Any] = {
            "episodes": len(data),
            "task_return": float(np.mean(returns)) if returns else None,
        }
        self.began = True
        self._board = Board(self.path / "tensorboard", self.training.updates, self._problems.of("curves"))
        self._checkpoints.open()
        self._wall.start()

    @property
    def pretraining(self) -> bool:
        """The updates before the first own episode are not all made."""
        if self.without_robot:
            return False
        learner = self.training.learner
        if learner.wants is not None:
            return learner.cloning
        return self.training.offline_updates < self._config.offline_updates

    def pretrain(self) -> None:
        """Make one of the updates before the first own episode."""
        self.training.pretrain()
        self._note_update()

    def rehearse(self, go_on: Callable[[], bool]) -> None:
        """Make one update, in a run in which nothing is played."""
        self.training.pretrain()
        self._note_update()
        self.finished = self.training.offline_updates >= self._config.offline_updates

    def recover(self, stopped: Callable[[], bool], arm: int | None = None, before: Any = None) -> None:
        """Publish the weights to begin with."""
        self._ties.publish(self._versions.newest or self._next_version())

    def precedes(self, step: SpokenStep | BridgeBegan, arm: int = 0) -> bool:
        """Nothing is fetched from bags: what came after the newest checkpoint is lived again."""
        return True

    def digest(self, step: SpokenStep | BridgeBegan, go_on: Callable[[], bool], arm: int = 0) -> None:
        """Learn from one step and do what is due; ``go_on`` is asked before each update."""
        training, config = self.training, self._config
        if isinstance(step, BridgeBegan):
            training.chains.reset()
            return
        before = training.updates
        lived = training.digest(step, go_on)
        if lived is None:
            return
        if training.refusal:
            self._problems.set("episodes", f"own episodes are not learned from: {training.refusal}")
        values = {"task_return": lived.task_return, "success": float(lived.success), "version": float(lived.version)}
        self._board.add({f"episode/{name}": value for name, value in values.items()}, lived.steps)
        if training.updates // config.publish_every > before // config.publish_every:
            self._ties.publish(self._next_version())
        if training.updates > before:
            self._note_update(before)
        done = len(training.log)
        if done % max(1, self.episodes // TOLD_PARTS) == 0:
            self._ties.say(f"episode {done}/{self.episodes}, {training.updates} updates, {self._of_late()}")
        self.finished = done >= self.episodes

    def _of_late(self) -> str:
        recent = self.training.log[-max(1, self.episodes // TOLD_PARTS) :]
        return f"mean return {np.mean([one.task_return for one in recent]):.2f} of the last {len(recent)}"

    def _note_update(self, before: int | None = None) -> None:
        training, config = self.training, self._config
        done, before = training.updates, training.updates - 1 if before is None else before
        self._board.add({f"learner/{name}": value for name, value in training.metrics.items()}, done)
        if before < training.offline_updates and done % max(1, config.offline_updates // TOLD_PARTS) == 0:
            self._ties.say(f"from data: {done} updates")
        if done // config.checkpoint_every > before // config.checkpoint_every:
            self.checkpoint()
        self._collect()

    def checkpoint(self) -> None:
        """Take a checkpoint; it is written while learning goes on."""
        training = self.training
        self._checkpoints.take(
            training.updates,
            "update",
            lambda: {**policy_parts(training.learner, self._versions.newest), **training.snapshot()},
            self._about,
        )

    def _about(self) -> dict[str, Any]:
        """What a checkpoint says of itself besides the state; no part of its hash."""
        identity = self._plan.identity()
        return {
            "task": identity["task"],
            "task_spec": json.dumps(identity["task_spec"]),
            "learner": identity["learner"],
            "policy": "language",
            "policy_options": dict(self.training.learner.evaluation_options),
            "version": self.version,
            "updates": self.training.updates,
            "wall_s": self._wall.seconds,
        }

    def _next_version(self) -> Weights:
        """Make the learner's weights the next version for the policy."""
        return self._versions.add(self.training.learner.variables(), self.training.updates)

    def _restore(self) -> bool:
        """Take up the newest whole checkpoint; False where there is none."""
        found = self._checkpoints.find(self._ties.say)
        if found is None:
            self._ties.say("no whole checkpoint yet: the run begins anew")
            return False
        stored, about = found
        self.training.restore(stored.path)
        with taking_up(stored.path):
            self._wall.resume(float(about["wall_s"]))
        self._versions.newest = read_published(stored.path)
        self._checkpoints.settle()
        training, config = self.training, self._config
        done, enough = len(training.log), self.episodes
        if self.without_robot:
            done, enough = training.offline_updates, config.offline_updates
        self.finished = done >= enough
        self._ties.say(f"goes on from {stored.path}")
        return True

    def _collect(self, wait: bool = False) -> None:
        """See what has become of the checkpoints; keep the newest."""
        if self._checkpoints.collect(wait):
            self._checkpoints.thin()

    def end(self, interrupted: Callable[[], bool]) -> None:
        """Write the last checkpoint, judge unless interrupted, write the picture and ``summary.json``.

        Raises:
            RunDirectoryError: the last checkpoint or the picture could not be written.
        """
        self._collect(wait=True)
        if self._checkpoints.due:
            self.checkpoint()
        self._collect(wait=True)
        self._checkpoints.close()
        final = self._judge(interrupted)
        self._board.close()
        self._write_results(final, interrupted())
        if self._checkpoints.problem:
            raise RunDirectoryError(self._checkpoints.problem)

    def _judge(self, interrupted: Callable[[], bool]) -> dict[str, Any]:
        config, plan, found = self._config, self._plan, {}
        variables: Variables = self.training.learner.variables()
        for decoding in DECODINGS if config.eval_episodes else ():
            given = (self._game, plan.task_options, variables, decoding, config.eval_episodes, config.seed)
            episodes = evaluate(*given, interrupted)
            if len(episodes) == config.eval_episodes:
                returns = [episode.undiscounted_return for episode in episodes]
                successes = sum(bool(episode.info.get("success")) for episode in episodes)
                found[decoding] = judged(returns, successes, self._scale)
        return found

    def _write_results(self, final: dict[str, Any], interrupted: bool) -> None:
        training, config = self.training, self._config
        summary: dict[str, Any] = {
            **{name: getattr(config, name) for name in ("task", "learner", "seed")},
            **{name: getattr(training, name) for name in ("steps", "updates", "offline_updates", "refused")},
            "episodes": len(training.log),
            "chains_broken": training.chains.broken,
            "version": self.version,
            **first_and_last(training.log),
            "given": self._given,
            "anchors": anchors(self._scale),
            "final": final,
            "metrics": dict(training.metrics),
            "interrupted": interrupted,
            "wall_s": self._wall.seconds,
        }
        if self._plan.offline:
            summary["given"]["bags"] = list(self._plan.offline)
        if stored := self._checkpoints.newest:
            summary |= {"checkpoint": str(stored.path), "checkpoint_sha256": stored.combined_sha256}
        self._directory.write_text("episodes.json", json.dumps([asdict(one) for one in training.log]) + "\n")
        self._directory.write_summary(summary)  # before the picture: after Ctrl-C time may not last for it
        self.summary = summary
        self._draw()

    def _draw(self) -> None:
        config, of_data = self._config, self._given["task_return"]
        levels = {} if of_data is None else {"data": of_data}
        levels |= {"best": self._scale.highest} if self._scale else {}
        title = f"{config.learner} on {config.task}: what it says while it learns"
        draw_returns(self.path / "plots" / "return.png", self.training.log, title, levels)
