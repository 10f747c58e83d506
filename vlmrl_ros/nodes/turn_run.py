"""One run of ``vlm_train``: a model, tasks, and the run directory that is left behind."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import TextTask, TextTaskSpec
from vlmrl_ros.nodes.board import Board
from vlmrl_ros.nodes.checkpoints import Checkpoints, policy_parts, taking_up
from vlmrl_ros.nodes.plan import same_run
from vlmrl_ros.nodes.problems import Problems
from vlmrl_ros.nodes.stopwatch import Stopwatch
from vlmrl_ros.nodes.text_log import draw_returns, first_and_last, judged
from vlmrl_ros.nodes.turn_plan import TurnPlan
from vlmrl_ros.nodes.turn_task import told
from vlmrl_ros.nodes.turn_training import TurnTraining
from vlmrl_ros.policies.vlm import tiny
from vlmrl_ros.policies.vlm.config import TINY
from vlmrl_ros.policies.vlm.loading import save_model

MODEL_FOLDER = "model"


class TurnRun:
    """Plays, learns, and leaves a whole run directory behind, whenever it ends."""

    def __init__(self, plan: TurnPlan, directory: RunDirectory, say: Callable[[str], None]) -> None:
        """Prepare; :meth:`make` does it.

        Args:
            plan: what to do.
            directory: claimed for this run.
            say: takes a line for people.
        """
        self._plan, self._directory, self._say, self.path = plan, directory, say, directory.path
        self.began = plan.config.resume
        """There is something to leave behind."""
        self._model = self.path / MODEL_FOLDER
        self._problems = Problems(lambda text: say(text) if text else None)
        folder = self.path / "checkpoints"
        self._checkpoints = Checkpoints(folder, plan.config.keep_checkpoints, self._place, self._problems)
        self._wall = Stopwatch()

    def _place(self) -> tuple[int, ...]:
        return (self._training.updates,)

    def make(self, stopped: Callable[[], bool]) -> dict[str, Any]:
        """Do what is planned.

        Args:
            stopped: asked at every turn; on True the run ends as it is.

        Returns:
            the summary.

        Raises:
            VlmrlError: another run's directory; a model, a task or an option that does not fit.
        """
        same_run(self._plan.identity(), self._directory, self._plan.config.resume)
        tasks = [self._plan.make() for _ in range(self._plan.config.num_envs)]
        try:
            return self._make(tasks, stopped)
        finally:
            for task in tasks:
                task.close()
            if not self.began:
                shutil.rmtree(self._model, ignore_errors=True)

    def _make(self, tasks: list[TextTask], stopped: Callable[[], bool]) -> dict[str, Any]:
        self._begin(tasks)
        training, failure = self._training, None
        try:
            while training.updates < self._plan.config.updates and training.round(stopped):
                self.began = True
                self._note()
        except Exception as caught:  # noqa: BLE001 - raised below, when what was learned is safe
            failure = caught
        summary = self._end(failure is not None or stopped()) if self.began else {}
        if failure is not None:
            raise failure
        return summary

    def _begin(self, tasks: list[TextTask]) -> None:
        """Make the learner, go on from the newest whole checkpoint where the plan says so, open the files."""
        plan = self._plan
        self._checkpoints.clean()
        spec = told(plan.task, tasks[0])
        options = self._with_model(spec)
        learner = registry.load("learners", plan.config.learner).build(
            spec, options, stream(plan.config.seed, "learner")
        )
        self._training = TurnTraining(plan, learner, tasks)
        if plan.config.resume:
            self._restore()
        self._training.begin()
        self._board = Board(self.path / "tensorboard", self._training.updates, self._problems.of("curves"))
        self._checkpoints.open()
        self._checkpoints.settle()
        self._wall.start()

    def _with_model(self, spec: TextTaskSpec) -> Any:
        """Options of the learner; ``tiny`` is built and becomes a folder, with the words that it knows."""
        plan = self._plan
        if plan.learner.model != TINY:
            return plan.learner
        if not self._model.is_dir():
            parts = tiny.build(spec.texts, plan.config.seed, plan.tiny)
            self._write_model(lambda folder: save_model(folder, *parts))
        return dataclasses.replace(plan.learner, model=str(self._model))

    def _write_model(self, write: Callable[[Path], None]) -> None:
        try:
            write(self._model)
        except OSError as error:
            raise RunDirectoryError(f"'{self._model}' cannot be written: {error.strerror or error}") from error

    def _restore(self) -> None:
        found = self._checkpoints.find(self._say)
        if found is None:
            self._say("no whole checkpoint yet: the run begins anew")
            return
        stored, about = found
        self._training.restore(stored.path)
        with taking_up(stored.path):
            self._wall.resume(float(about["wall_s"]))
        self._say(f"goes on from {stored.path}")

    def _note(self) -> None:
        """Tell of an update, and keep it where that is due."""
        training, config = self._training, self._plan.config
        self._board.add({f"learner/{name}": value for name, value in training.metrics.items()}, training.updates)
        late = f", {training.of_late()}" if training.log else ""
        self._say(f"update {training.updates}/{config.updates}{late}")
        if training.updates % config.checkpoint_every == 0:
            self._checkpoint()
        if self._checkpoints.collect():
            self._checkpoints.thin()

    def _checkpoint(self) -> None:
        training, plan = self._training, self._plan
        about = {
            "task": plan.task,
            "task_spec": json.dumps({"task": plan.task}),
            "learner": plan.config.learner,
            "policy": "vlm",
            "policy_options": dict(training.learner.evaluation_options),
            "updates": training.updates,
            "wall_s": self._wall.seconds,
        }
        self._checkpoints.take(
            training.updates,
            "update",
            lambda: {**policy_parts(training.learner, None), **training.snapshot()},
            lambda: about,
        )

    def _end(self, interrupted: bool) -> dict[str, Any]:
        """Write the last checkpoint and the model, judge unless interrupted, write ``summary.json`` and the picture."""
        self._checkpoints.collect(wait=True)
        if self._checkpoints.due:
            self._checkpoint()
        self._checkpoints.collect(wait=True)
        self._checkpoints.thin()
        self._checkpoints.close()
        self._board.close()
        self._write_model(self._training.learner.export)
        final = {} if interrupted else self._judge()
        summary = self._summary(final, interrupted)
        self._directory.write_text("episodes.json", json.dumps([asdict(one) for one in self._training.log]) + "\n")
        self._directory.write_summary(summary)
        self._draw()
        if self._checkpoints.problem:
            raise RunDirectoryError(self._checkpoints.problem)
        return summary

    def _judge(self) -> dict[str, Any]:
        found = {}
        ways = {"greedy": 0.0, "sampled": self._plan.temperature} if self._plan.config.eval_episodes else {}
        for name, temperature in ways.items():
            returns, successes = zip(*self._training.judge(temperature), strict=True)
            found[name] = judged(returns, sum(successes), None)
        return found

    def _summary(self, final: dict[str, Any], interrupted: bool) -> dict[str, Any]:
        training, config = self._training, self._plan.config
        stored = self._checkpoints.newest
        return {
            **{"task": self._plan.task, "learner": config.learner, "seed": config.seed},
            **{"episodes": len(training.log), "turns": training.turns, "updates": training.updates},
            **first_and_last(training.log),
            "final": final,
            "metrics": dict(training.metrics),
            "model": str(self._model),
            **({"checkpoint": str(stored.path), "checkpoint_sha256": stored.combined_sha256} if stored else {}),
            "interrupted": interrupted,
            "wall_s": self._wall.seconds,
        }

    def _draw(self) -> None:
        title = f"{self._plan.config.learner} on {self._plan.task}: what is said while it learns"
        draw_returns(self.path / "plots" / "return.png", self._training.log, title, {})
