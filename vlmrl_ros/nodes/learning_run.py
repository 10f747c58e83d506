"""One learning run.

Training, weights, checkpoints, evaluations, TensorBoard, summary. Runs in the learner's worker thread.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file
from torch.utils.tensorboard import SummaryWriter

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.episode_log import EpisodeRecord
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.run_directory import POLICY_FILE, RunDirectory, combined_hash, read_checkpoint
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.evaluator import Evaluation, Evaluator, best_of
from vlmrl_ros.nodes.summary import summarise, write_plots


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        learner: name of the plug-in.
        policy: name of the policy plug-in that its weights fit.
        seed: of all randomness.
        max_steps: transitions to learn from, without demonstrations.
        samples_per_insert: pace of the updates.
        publish_every, checkpoint_every: steps.
        eval_task: simulated task for evaluations; empty for none.
        eval_task_options: its options.
        eval_episodes, final_eval_episodes: how many.
    """

    learner: str
    policy: str
    seed: int
    max_steps: int
    samples_per_insert: float
    publish_every: int
    checkpoint_every: int
    eval_task: str
    eval_task_options: Mapping[str, Any]
    eval_episodes: int
    final_eval_episodes: int


class LearningRun:
    """Digests steps and leaves a whole run directory behind, whenever it ends."""

    def __init__(
        self, plan: Plan, learner: Learner, spec: TaskSpec, directory: RunDirectory, publish: Callable[[Weights], None]
    ) -> None:
        """Prepare; files are opened by :meth:`begin`.

        Args:
            plan: what to do.
            learner: the plug-in, built.
            spec: of the task.
            directory: claimed for this run.
            publish: sends new weights.
        """
        self._plan = plan
        self._spec = spec
        self._directory = directory
        self._publish = publish
        self.training = Training(learner, plan.samples_per_insert)
        self.version = 0
        self.evaluations: list[Evaluation] = []
        self.path = directory.path
        self.summary: dict[str, Any] = {}
        self._evaluator: Evaluator | None = None
        self._checkpoints: list[Path] = []

    @property
    def finished(self) -> bool:
        """All steps of the plan are done."""
        return self.training.steps >= self._plan.max_steps

    def begin(self) -> None:
        """Open the files of the run and start the evaluation process."""
        plan, directory = self._plan, self._directory
        self._board = SummaryWriter(str(directory.path / "tensorboard"))
        self._started_s = time.monotonic()
        self._learning_since_s: float | None = None
        if plan.eval_task:
            log = directory.path / "log" / "evaluation.log"
            self._evaluator = Evaluator(plan.eval_task, plan.eval_task_options, plan.seed, log)

    def digest(self, step: Step, go_on: Callable[[], bool]) -> None:
        """Learn from one step and do what is due at it; ``go_on`` is asked before each update."""
        before = self.training.steps
        episode = self.training.digest(step, go_on)
        steps = self.training.steps
        if steps > before:
            self._learning_since_s = self._learning_since_s or time.monotonic()
            self._do_what_is_due(before, steps)
        if episode is not None:
            self._log_episode(episode)

    def checkpoint(self) -> Path:
        """Write a checkpoint of this step and have it evaluated."""
        learner = self.training.learner

        def fill(directory: Path) -> None:
            save_file(dict(learner.variables()), directory / POLICY_FILE)
            (directory / "learner").mkdir()
            learner.save(directory / "learner")

        about = {
            "task": self._spec.task,
            "task_spec": self._spec.to_json(),
            "learner": self._plan.learner,
            "policy": self._plan.policy,
            "policy_options": dict(learner.evaluation_options),
            "version": self.version,
            "updates": self.training.updates,
        }
        path = self._directory.checkpoint(self.training.steps, fill, about)
        self._checkpoints.append(path)
        if self._evaluator is not None:
            self._evaluator.ask(self.training.steps, path, self._plan.eval_episodes)
        return path

    def end(self, interrupted: Callable[[], bool]) -> None:
        """Write the last checkpoint, judge the best unless interrupted, write plots and ``summary.json``."""
        learned_s = time.monotonic() - (self._learning_since_s or self._started_s)
        if interrupted():
            self._close_evaluator()
        if self.training.steps and not self._is_checkpointed():
            self.checkpoint()
        final = self._final_evaluation(interrupted)
        self._close_evaluator()
        self._board.close()
        summary = self._settings() | summarise(self.training, self.evaluations, final)
        summary |= {"interrupted": interrupted(), "wall_s": time.monotonic() - self._started_s, "learning_s": learned_s}
        if self._checkpoints:
            last = self._checkpoints[-1]
            summary |= {"checkpoint": str(last), "checkpoint_sha256": combined_hash(read_checkpoint(last))}
            summary["best_checkpoint"] = best_of(self.evaluations).checkpoint if self.evaluations else str(last)
        self._directory.write_text("episodes.json", json.dumps(self.training.log.to_json()) + "\n")
        write_plots(self.path / "plots", f"{self._plan.learner} on {self._spec.task}", self.training, self.evaluations)
        self._directory.write_summary(summary)
        self.summary = summary

    def _settings(self) -> dict[str, Any]:
        plan = self._plan
        return {"task": self._spec.task, "learner": plan.learner, "seed": plan.seed, "max_steps": plan.max_steps}

    def _do_what_is_due(self, before: int, steps: int) -> None:
        plan = self._plan
        if self.training.updates and (self.version == 0 or steps // plan.publish_every > before // plan.publish_every):
            self.version += 1
            self._publish(Weights(self.training.learner.variables(), self.version, steps))
        if steps // plan.checkpoint_every > before // plan.checkpoint_every:
            self.checkpoint()
            for name, value in self.training.metrics.items():
                self._board.add_scalar(f"learner/{name}", value, steps)
        if self._evaluator is not None:
            self._keep(self._evaluator.collect())

    def _keep(self, evaluations: list[Evaluation]) -> None:
        for evaluation in evaluations:
            self.evaluations.append(evaluation)
            self._board.add_scalar("evaluation/success", evaluation.success, evaluation.step)

    def _is_checkpointed(self) -> bool:
        return bool(self._checkpoints) and self._checkpoints[-1].name == f"step_{self.training.steps}"

    def _final_evaluation(self, interrupted: Callable[[], bool]) -> Evaluation | None:
        if self._evaluator is None or not self._checkpoints:
            return None
        self._keep(self._await(interrupted))
        if not self._plan.final_eval_episodes or not self.evaluations or interrupted():
            return None
        best = best_of(self.evaluations)
        self._evaluator.ask(best.step, Path(best.checkpoint), self._plan.final_eval_episodes, fresh=True)
        return next(iter(self._await(interrupted)), None)

    def _await(self, interrupted: Callable[[], bool]) -> list[Evaluation]:
        """The evaluations under way, when they are finished; fewer if interrupted."""
        found: list[Evaluation] = []
        while self._evaluator is not None and self._evaluator.pending and not interrupted():
            found += self._evaluator.collect(wait_s=0.2)
        return found

    def _close_evaluator(self) -> None:
        if self._evaluator is not None:
            self._evaluator.close()
            self._evaluator = None

    def _log_episode(self, episode: EpisodeRecord) -> None:
        step = self.training.steps
        self._board.add_scalar("episode/takeovers", episode.takeovers, step)
        self._board.add_scalar("episode/human_share", episode.human_steps / max(1, episode.steps), step)
        self._board.add_scalar("episode/success", float(episode.success), step)
        self._board.add_scalar("episode/task_return", episode.task_return, step)
