"""Trials of candidates: who is tried next, and what each episode counts for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmrl_ros.core.types import Feedback, Intervention


@dataclass(frozen=True)
class Trial:
    """One autonomous episode of one candidate: its number, the sum of the task's rewards, success, control steps."""

    arm: int
    task_return: float
    success: bool
    steps: int


class Trials:
    """What each candidate is still to be tried, one after the other in rounds."""

    def __init__(self, wanted: Sequence[int]) -> None:
        """Nothing was tried yet.

        Args:
            wanted: trials of each candidate, 1 or more.
        """
        self._wanted = tuple(wanted)
        self.returns: list[list[float]] = [[] for _ in wanted]
        """Of each candidate, in order."""

    @property
    def done(self) -> int:
        """Trials that are over."""
        return sum(map(len, self.returns))

    @property
    def open(self) -> int:
        """Trials that are still to be made."""
        return sum(max(0, wanted - len(of_arm)) for wanted, of_arm in zip(self._wanted, self.returns, strict=True))

    def next(self) -> int | None:
        """The candidate to be tried next: of those that lack trials the one with the fewest; None: all are done."""
        lacking = [arm for arm, wanted in enumerate(self._wanted) if len(self.returns[arm]) < wanted]
        return min(lacking, key=lambda arm: len(self.returns[arm])) if lacking else None

    def fail(self, arm: int, value: float) -> None:
        """Count all trials of a candidate that cannot be loaded, each with the return of a failure."""
        self.returns[arm] = [value] * self._wanted[arm]


class EpisodeWatch:
    """Sums an episode up, step by step."""

    def __init__(self) -> None:
        """No episode has begun."""
        self._task_return = 0.0
        self._touched = False
        self._whole = False
        self._arms: set[int] = set()
        self.left_out = ""
        """Why the episode that ended last is no trial; empty where it is one."""

    def see(self, feedback: Feedback, intervention: Intervention, arm: int) -> Trial | None:
        """Take the next step.

        Args:
            feedback: outcome of arriving there.
            intervention: who acts from there on.
            arm: the candidate that proposed the action.

        Returns:
            at the last step of an episode what it counts for; None before, and where it is no trial of anybody.
        """
        if feedback.step == 0:
            self._task_return, self._touched, self._whole = 0.0, False, True
            self._arms = set()
        self._task_return += feedback.reward
        self._touched |= intervention.active
        self._arms.add(arm)
        if not feedback.last:
            return None
        self.left_out = self._flaw()
        self._whole = False
        return None if self.left_out else Trial(arm, self._task_return, feedback.success, feedback.step)

    def _flaw(self) -> str:
        if not self._whole:
            return "its beginning was not seen"
        if self._touched:
            return "a person touched the arm"
        return "several candidates acted" if len(self._arms) > 1 else ""
