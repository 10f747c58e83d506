"""What happened in each episode: takeovers, steps in a person's hands, return, success."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import numpy as np

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.snapshot import Part, json_part, npy
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
        arm: number of the arm in a fleet.
    """

    episode: int
    online_steps: int
    steps: int
    takeovers: int
    human_steps: int
    task_return: float
    success: bool
    arm: int = 0

    @property
    def demonstration(self) -> bool:
        """A person drove from the first step to the last."""
        return self.steps > 0 and self.human_steps == self.steps

    @property
    def autonomous(self) -> bool:
        """Nobody touched it."""
        return self.human_steps == 0


_ROW = np.dtype(
    [
        ("episode", np.int64),
        ("online_steps", np.int64),
        ("steps", np.int64),
        ("takeovers", np.int64),
        ("human_steps", np.int64),
        ("task_return", np.float64),
        ("success", np.bool_),
        ("arm", np.int64),
    ]
)
"""The fields of :class:`EpisodeRecord`, in order."""
_FIELDS = attrgetter(*cast(tuple[str, ...], _ROW.names))


@dataclass(frozen=True)
class _Tally:
    """What an episode has come to so far; ``human``: a person acts from the newest step on."""

    episode: int = -1
    steps: int = 0
    takeovers: int = 0
    human_steps: int = 0
    task_return: float = 0.0
    human: bool = False

    def after(self, step: Step) -> _Tally:
        """Count one more step; one of another episode begins anew."""
        same = step.feedback.episode == self.episode
        before = self if same else _Tally()
        return _Tally(
            episode=step.feedback.episode,
            steps=before.steps + same,
            takeovers=before.takeovers + step.intervention.edge,
            human_steps=before.human_steps + before.human,
            task_return=before.task_return + (step.feedback.reward if same else 0.0),
            human=step.intervention.active,
        )


class EpisodeLog:
    """Turns the steps of each arm into episode records, in the order in which the episodes end."""

    def __init__(self, arms: int = 1) -> None:
        """Begin with no episode.

        Args:
            arms: number of arms.
        """
        self.records: list[EpisodeRecord] = []
        self._open = [_Tally() for _ in range(arms)]

    def append(self, step: Step, online_steps: int, arm: int = 0) -> EpisodeRecord | None:
        """Add the next step of an arm; returns the record of the episode that it ends, if it does."""
        tally = self._open[arm] = self._open[arm].after(step)
        if not step.feedback.last:
            return None
        record = EpisodeRecord(
            episode=tally.episode,
            online_steps=online_steps,
            steps=tally.steps,
            takeovers=tally.takeovers,
            human_steps=tally.human_steps,
            task_return=tally.task_return,
            success=step.feedback.success,
            arm=arm,
        )
        self.records.append(record)
        self._open[arm] = _Tally()
        return record

    def snapshot(self) -> dict[str, Part]:
        """Records and the open episodes, as parts of a checkpoint."""
        records = list(self.records)  # they never change, so the writer may compose the rows
        rows = Part(lambda: lambda: npy(np.array([_FIELDS(record) for record in records], _ROW)))
        return {"episodes.npy": rows, "open_episodes.json": json_part([asdict(tally) for tally in self._open])}

    def restore(self, directory: Path) -> None:
        """Read the files of a :meth:`snapshot`.

        Raises:
            CheckpointError: missing or damaged files.
        """
        try:
            rows = np.load(directory / "episodes.npy", allow_pickle=False).astype(_ROW, casting="no")
            records = [EpisodeRecord(*row.item()) for row in rows]
            tallies = [_Tally(**tally) for tally in json.loads((directory / "open_episodes.json").read_text())]
            if len(tallies) != len(self._open):
                raise ValueError(f"{len(tallies)} arms instead of {len(self._open)}")
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise CheckpointError(f"no usable episode log in {directory}: {error}") from error
        self.records, self._open = records, tallies

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
