"""One learning run: what is done at each step, and at its end. Runs in the learner's worker thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.episode_log import EpisodeRecord
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.board import Board
from vlmrl_ros.nodes.checkpoints import Checkpoints
from vlmrl_ros.nodes.evaluator import Evaluation, best_of
from vlmrl_ros.nodes.experience import AsLived, Experience
from vlmrl_ros.nodes.given import take_in
from vlmrl_ros.nodes.judge import Judge
from vlmrl_ros.nodes.plan import Plan, Ties, identify
from vlmrl_ros.nodes.problems import Problems
from vlmrl_ros.nodes.recalled import lived, recall
from vlmrl_ros.nodes.run_state import RunState
from vlmrl_ros.nodes.summary import summarise, write_plots

PRETRAINING_PARTS = 20
"""So often it is told how far the updates before the first step are."""


class LearningRun:
    """Digests steps and leaves a whole run directory behind, whenever it ends."""

    def __init__(
        self,
        plan: Plan,
        learner: Learner,
        spec: TaskSpec,
        directory: RunDirectory,
        ties: Ties,
        experience: Experience | None = None,
    ) -> None:
        """Prepare; :meth:`begin` opens the files.

        Args:
            plan: what to do.
            learner: the plug-in, built.
            spec: of the task.
            directory: claimed for this run.
            ties: to the node.
            experience: makes what the learner takes; transitions by default.
        """
        self.plan = plan
        self._spec = spec
        self._directory = directory
        self._ties = ties
        self._problems = Problems(ties.problem)
        self.experience = experience or AsLived(spec)
        self.training = Training(learner, plan.samples_per_insert, len(plan.arms), self.experience)
        self._state = RunState(plan, spec, self.training, self.experience)
        self.finished = False
        """All steps of the plan are done, and the episode in which they were."""
        self.began = False
        """The run directory holds a part of the run."""
        self.without_robot = plan.without_robot
        self.path = directory.path
        self.summary: dict[str, Any] = {}
        folder = directory.path / "checkpoints"
        self._checkpoints = Checkpoints(folder, plan.keep_checkpoints, self._state.place, self._problems)
        self._checkpoints.settle()
        self._catching_up = False
        self._shown_updates = 0

    @property
    def version(self) -> int:
        """Of the newest weights; 0 before the first."""
        return self._state.releases.version

    @property
    def evaluations(self) -> list[Evaluation]:
        """Autonomous evaluations of the checkpoints, in order."""
        return self._judge.evaluations

    @property
    def newest_ns(self) -> tuple[int, ...]:
        """Stamp of the newest step of each arm that was learned from, ns; -1 where there is none."""
        return self._state.newest_ns

    def precedes(self, step: Step, arm: int = 0) -> bool:
        """The arm lived through nothing between its newest step and this one."""
        newest = self.training.chains[arm].newest
        return newest is not None and follows(newest.feedback, step.feedback)

    def begin(self) -> None:
        """Go on from the newest whole checkpoint, where the plan says so; open the files; start evaluating.

        Raises:
            RunDirectoryError: the directory holds another run.
            CheckpointError: the checkpoint is whole but does not fit.
            BagError: what the learner is to be given is damaged or of no use.
        """
        plan, directory = self.plan, self._directory
        identify(plan, self._spec, directory)
        self._checkpoints.clean()
        if not (plan.resume and self._restore()):
            if self.experience.publishes_first:
                self._state.releases.take()
            self._state.given = take_in(plan, self.training.learner, self._ties, self.experience)
        self.began = True
        steps = self.training.steps
        self._board = Board(directory.path / "tensorboard", steps, self._problems.of("curves"))
        self._checkpoints.open()
        try:
            self._judge = Judge(plan, directory, self._problems.of("evaluations"))
        except OSError as error:
            raise RunDirectoryError(f"run directory '{directory.path}' cannot be written: {error.strerror}") from error
        if plan.resume:
            self._judge.resume(steps)
        self._state.wall.start()

    def recover(self, stopped: Callable[[], bool], arm: int | None = None, before: Step | None = None) -> None:
        """Learn from what the bags hold after the newest step of each arm, then publish the weights of that moment.

        Args:
            stopped: asked before each step; on True the rest is left.
            arm: from the bags of this arm alone.
            before: only from what was lived before this step.
        """
        goes_on = self.plan.resume or max(self.newest_ns) >= 0  # the first step of a run may be in its bags at once
        self._catching_up = True
        count = 0
        arms = range(len(self.plan.arms)) if arm is None else (arm,)
        for of, step in lived(self._ties, {one: self.newest_ns[one] for one in arms}):
            if stopped() or self.finished or (before is not None and step.stamp_ns >= before.stamp_ns):
                break
            self.digest(step, lambda: not stopped(), of)
            count += 1
        self._catching_up = False
        if count and goes_on:
            self._ties.say(f"learned from {count} steps that its bags held already")
        if self._state.releases.newest is not None and (count or before is None):
            self._ties.publish(self._state.releases.newest)

    def digest(self, step: Step, go_on: Callable[[], bool], arm: int = 0) -> None:
        """Learn from one step of an arm and do what is due at it; ``go_on`` is asked before each update."""
        before = self.training.steps
        if self._state.theory is not None:
            self._state.theory.see(self.training.chains[arm].newest, step, arm)
        episode = self.training.digest(step, go_on, arm)
        steps = self.training.steps
        if steps > before:
            self._state.learning.start()
            self._do_what_is_due(before, steps)
        if episode is not None:
            self._log_episode(episode)
            self.finished = steps >= self.plan.max_steps

    @property
    def pretraining(self) -> bool:
        """The updates before the first step are not all made."""
        return self.training.offline_updates < self.plan.offline_updates

    def pretrain(self) -> None:
        """Make one of the updates before the first step; the last one gives the weights that :meth:`recover` publishes.

        They are made anew where they were interrupted, because the only checkpoint of them is that of the end.
        """
        plan, training = self.plan, self.training
        training.pretrain()
        done = training.offline_updates
        if done % max(1, plan.offline_updates // PRETRAINING_PARTS) == 0:
            self._board.add({f"offline/{name}": value for name, value in training.metrics.items()}, done)
            self._ties.say(f"offline: {done} of {plan.offline_updates} updates")
        if not self.pretraining:
            self._state.releases.take()
            self.checkpoint()

    def rehearse(self, go_on: Callable[[], bool]) -> None:
        """Do what is due at a step that nobody lives; ``go_on`` as in :meth:`digest`."""
        self._state.learning.start()
        before = self.training.steps
        self.training.rehearse(go_on)
        self._do_what_is_due(before, before + 1)
        self.finished = before + 1 >= self.plan.max_steps

    def checkpoint(self) -> None:
        """Take a checkpoint of this step; it is written and evaluated while learning goes on."""
        self._checkpoints.take(self.training.steps, "step", self._state.parts, self._state.about)

    def end(self, interrupted: Callable[[], bool]) -> None:
        """Write the last checkpoint, judge the best unless interrupted, write plots and ``summary.json``.

        Raises:
            RunDirectoryError: the last checkpoint could not be written; everything else was.
        """
        learning_s = self._state.learning.seconds
        if interrupted():
            self._judge.close()
        self._collect(wait=True)
        if self._checkpoints.due:
            self.checkpoint()
        self._collect(wait=True)
        self._checkpoints.close()
        found, final = self._judge.conclude(interrupted)
        self._show(found)
        self._judge.close()
        self._board.close()
        self._write_results(final, interrupted(), learning_s)
        if self._checkpoints.problem:
            raise RunDirectoryError(self._checkpoints.problem)

    def _write_results(self, final: Evaluation | None, interrupted: bool, learning_s: float) -> None:
        plan = self.plan
        summary = {"task": self._spec.task, "learner": plan.learner, "seed": plan.seed, "max_steps": plan.max_steps}
        summary |= summarise(self.training, self.evaluations, final, plan.arms) | self.experience.counts()
        if theory := self._terms(final):
            summary["theory"] = theory
        if plan.data:
            summary["given"] = {"bags": list(plan.data), "offline": plan.offline, **asdict(self._state.given)}
        summary |= {"interrupted": interrupted, "wall_s": self._state.wall.seconds, "learning_s": learning_s}
        if stored := self._checkpoints.newest:
            last = str(stored.path)
            summary |= {"checkpoint": last, "checkpoint_sha256": stored.combined_sha256}
            best = best_of(self.evaluations)
            summary["best_checkpoint"] = best.checkpoint if best else last
        self._directory.write_text("episodes.json", json.dumps(self.training.log.to_json()) + "\n")
        self._directory.write_summary(summary)  # before the pictures: after Ctrl-C time may not last for these
        self.summary = summary
        try:
            write_plots(self.path / "plots", f"{plan.learner} on {self._spec.task}", self.training, self.evaluations)
            self.experience.picture(self.path / "plots" / "story.png")
        except OSError as error:
            raise RunDirectoryError(f"plots cannot be written: {error.strerror}") from error

    def _restore(self) -> bool:
        """Take up the newest whole checkpoint; False where there is none."""
        found = self._checkpoints.find(self._ties.say)
        if found is None:
            self._ties.say("no whole checkpoint yet: the run begins with what its bags hold")
            return False
        stored, about = found
        self._state.restore(stored.path, about)
        if self.experience.listens:
            recall(self.plan, self.training, self.experience, self._ties)
            self.experience.resume(about.get("counts", {}))
        self._checkpoints.settle()
        newest = (chain.newest for chain in self.training.chains)
        ended = any(step is not None and step.feedback.last for step in newest)
        self.finished = (ended or self.without_robot) and self.training.steps >= self.plan.max_steps
        self._ties.say(f"goes on from {stored.path}")
        return True

    def _do_what_is_due(self, before: int, steps: int) -> None:
        plan = self.plan
        if self._state.releases.due(before, steps):
            weights = self._state.releases.take()
            if not self._catching_up:
                self._ties.publish(weights)
        seldom = steps // plan.checkpoint_every > before // plan.checkpoint_every
        if seldom:
            self.checkpoint()
            self._board.add({f"theory/{name}": value for name, value in self._terms().items()}, steps)
        if (seldom or plan.samples_per_insert is None) and self.training.updates > self._shown_updates:
            self._shown_updates = self.training.updates
            self._board.add({f"learner/{name}": value for name, value in self.training.metrics.items()}, steps)
        self._collect()
        self._show(self._judge.collect())

    def _collect(self, wait: bool = False) -> None:
        """See what has become of the checkpoints: evaluate those that are on disk, keep those that are needed."""
        outcomes = self._checkpoints.collect(wait)
        for outcome in outcomes:
            if outcome.stored is not None:
                self._judge.ask(outcome.step, outcome.stored.path)
        if outcomes:
            self._checkpoints.thin(self._judge.needed)

    def _terms(self, judged: Evaluation | None = None) -> dict[str, float]:
        """What is known of RLIF's bound; V_pi is that of a given evaluation, or of the newest one."""
        if self._state.theory is None:
            return {}
        newest = judged or (self.evaluations[-1] if self.evaluations else None)
        return self._state.theory.terms(newest.value if newest else None, self._judge.v_ref)

    def _show(self, evaluations: list[Evaluation]) -> None:
        for evaluation in evaluations:
            self._board.add({"evaluation/success": evaluation.success}, evaluation.step)

    def _log_episode(self, episode: EpisodeRecord) -> None:
        values = {
            "takeovers": float(episode.takeovers),
            "human_share": episode.human_steps / max(1, episode.steps),
            "success": float(episode.success),
            "task_return": episode.task_return,
        }
        self._board.add({f"episode/{name}": value for name, value in values.items()}, self.training.steps)
