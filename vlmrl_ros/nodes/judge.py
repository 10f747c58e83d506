"""The evaluations of a run: which checkpoints are judged, what came out, which one is the best."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlmrl_ros.core.checkpoint import POLICY_FILE, checkpoints_in, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.nodes.evaluator import Evaluation, Evaluator, best_of
from vlmrl_ros.nodes.plan import Plan

EVALUATIONS_FILE = "evaluations.json"


class Judge:
    """Has checkpoints evaluated in another process and keeps what came out, also over a restart.

    Their results lie beside the checkpoints and not in them: when one is ready depends on the machine.
    """

    def __init__(self, plan: Plan, directory: RunDirectory, problem: Callable[[str], None]) -> None:
        """Start the evaluation process, where the plan has evaluations.

        Args:
            plan: of the run.
            directory: of the run.
            problem: told why results could not be written, and "" once they could.
        """
        self._plan = plan
        self._directory = directory
        self._problem = problem
        self.evaluations: list[Evaluation] = []
        self.v_ref: float | None = None
        """Mean discounted return of the plan's reference in the episodes that every checkpoint meets, once known."""
        self._reference = str(Path(plan.reference).resolve()) if plan.reference else ""
        self._evaluator: Evaluator | None = None
        if plan.evaluates:
            log = directory.path / "log" / "evaluation.log"
            discount = 1.0 if plan.discount is None else plan.discount
            self._evaluator = Evaluator(plan.eval_task, plan.eval_task_options, plan.seed, log, discount)
            if self._reference:
                self.ask(-1, Path(self._reference))

    def resume(self, step: int) -> None:
        """Take up the results of earlier parts of the run, up to a step, and evaluate what had to wait.

        Raises:
            RunDirectoryError: the results cannot be read.
        """
        path, folder = self._directory.path / EVALUATIONS_FILE, self._directory.path / "checkpoints"
        try:
            rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
            found = [_evaluation(row, folder) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunDirectoryError(f"'{path}' is damaged: {error}; remove it to go on without it") from error
        self.evaluations = [evaluation for evaluation in found if evaluation.step <= step]
        judged = {evaluation.step for evaluation in self.evaluations}
        for checkpoint in checkpoints_in(folder):
            try:
                at = int(read_checkpoint(checkpoint, POLICY_FILE)["step"])
            except CheckpointError:
                continue  # told of when the newest whole one was looked for
            if at <= step and at not in judged:
                self.ask(at, checkpoint)

    def ask(self, step: int, checkpoint: Path) -> None:
        """Have a checkpoint evaluated."""
        if self._evaluator is not None:
            self._evaluator.ask(step, checkpoint, self._plan.eval_episodes)

    def collect(self) -> list[Evaluation]:
        """The evaluations that are finished since the last call."""
        return self._keep(self._evaluator.collect() if self._evaluator is not None else [])

    @property
    def needed(self) -> set[str]:
        """Names of the checkpoints that must stay: those that wait for their evaluation, and the best."""
        waiting = {path.name for path in self._evaluator.waiting} if self._evaluator is not None else set()
        best = best_of(self.evaluations)
        return waiting | ({Path(best.checkpoint).name} if best else set())

    def conclude(self, interrupted: Callable[[], bool]) -> tuple[Sequence[Evaluation], Evaluation | None]:
        """Wait for what is under way, then judge the best checkpoint in fresh episodes.

        Args:
            interrupted: asked while waiting; on True there is no more to come.

        Returns:
            the evaluations that were under way, and the one in fresh episodes, if it was made.
        """
        if self._evaluator is None:
            return [], None
        found = self._keep(self._await(interrupted))
        best = best_of(self.evaluations)
        if not self._plan.final_eval_episodes or best is None or interrupted():
            return found, None
        self._evaluator.ask(best.step, Path(best.checkpoint), self._plan.final_eval_episodes, fresh=True)
        return found, next(iter(self._await(interrupted)), None)

    def close(self) -> None:
        """End the evaluation process."""
        if self._evaluator is not None:
            self._evaluator.close()
            self._evaluator = None

    def _keep(self, found: list[Evaluation]) -> list[Evaluation]:
        self.v_ref = next((each.value for each in found if each.checkpoint == self._reference), self.v_ref)
        found = [each for each in found if each.checkpoint != self._reference]
        if found:
            self.evaluations += found
            try:
                rows = [asdict(evaluation) for evaluation in self.evaluations]
                self._directory.write_text(EVALUATIONS_FILE, json.dumps(rows) + "\n")
                self._problem("")
            except RunDirectoryError as error:
                self._problem(str(error))
        return found

    def _await(self, interrupted: Callable[[], bool]) -> list[Evaluation]:
        """The evaluations under way, when they are finished; fewer if interrupted."""
        found: list[Evaluation] = []
        while self._evaluator is not None and self._evaluator.waiting and not interrupted():
            found += self._evaluator.collect(wait_s=0.2)
        return found


def _evaluation(row: Mapping[str, Any], folder: Path) -> Evaluation:
    """An evaluation as it was written, its checkpoint in the folder where checkpoints are now."""
    checkpoint = str(folder / Path(row["checkpoint"]).name)
    columns = (tuple(row[name]) for name in ("successes", "returns", "values"))
    return Evaluation(int(row["step"]), checkpoint, *columns)
