"""What happened in each episode: takeovers, steps in a person's hands, return, success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vlmrl_ros.core.types import Step


@dataclass(frozen=True)
class EpisodeRecord:
    """One finished episode.

    Attributes:
        episode: its number.
        online_steps: transitions learned from, without demonstrations, when it ended.
        steps: transitions.
        takeovers: how often a person took control from the policy.
        human_steps: transitions in a person's hands.
        task_return: sum of the task reward (for people; RLIF never reads it).
        success: the task was done at the end.
    """

    episode: int
    online_steps: int
    steps: int
    takeovers: int
    human_steps: int
    task_return: float
    success: bool

    @property
    def demonstration(self) -> bool:
        """A person drove from the first step to the last."""
        return self.steps > 0 and self.human_steps == self.steps

    @property
    def autonomous(self) -> bool:
        """Nobody touched it."""
        return self.human_steps == 0


class EpisodeLog:
    """Turns the stream of steps into episode records."""

    def __init__(self) -> None:
        """Begin with no episode."""
        self.records: list[EpisodeRecord] = []
        self._steps: list[Step] = []

    def append(self, step: Step, online_steps: int) -> EpisodeRecord | None:
        """Add the next step; returns the record of the episode that it ends, if it does."""
        if self._steps and self._steps[-1].feedback.episode != step.feedback.episode:
            self._steps.clear()
        self._steps.append(step)
        if not step.feedback.last:
            return None
        record = _summarise(self._steps, online_steps)
        self.records.append(record)
        self._steps.clear()
        return record

    def online(self) -> list[EpisodeRecord]:
        """The episodes in which the policy had a part."""
        return [record for record in self.records if not record.demonstration]

    def to_json(self) -> list[dict[str, Any]]:
        """The records as plain values."""
        return [asdict(record) for record in self.records]


def takeovers_per_episode(records: Sequence[EpisodeRecord], since_step: int, until_step: int) -> float:
    """Mean takeovers of the episodes that ended after ``since_step`` and not after ``until_step``.

    NaN if there are none.
    """
    window = [record.takeovers for record in records if since_step < record.online_steps <= until_step]
    return sum(window) / len(window) if window else float("nan")


def _summarise(steps: Sequence[Step], online_steps: int) -> EpisodeRecord:
    acted, arrived = steps[:-1], steps[1:]
    return EpisodeRecord(
        episode=steps[-1].feedback.episode,
        online_steps=online_steps,
        steps=len(acted),
        takeovers=sum(step.intervention.edge for step in steps),
        human_steps=sum(step.intervention.active for step in acted),
        task_return=sum(step.feedback.reward for step in arrived),
        success=steps[-1].feedback.success,
    )
