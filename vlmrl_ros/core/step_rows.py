"""Steps as rows of one structured array, camera frames included: how steps that are still needed survive a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.snapshot import Part, npy
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition

_ACTIONS = ("policy_action", "command", "executed")
_FEEDBACK = [
    ("reward", np.float64),
    ("terminated", np.bool_),
    ("truncated", np.bool_),
    ("success", np.bool_),
    ("episode", np.int64),
    ("step", np.int64),
    ("weights_version", np.int64),
]
_PLAN = [
    ("context", np.float64),
    ("rolled_in", np.bool_),
    ("roll_in_steps", np.int64),
    ("roll_in_context", np.float64),
    ("extra_steps", np.int64),
]
"""Context NaN where no curriculum planned the episode."""
_UNPLANNED = (np.nan, False, 0, 0.0, 0)
_INTERVENTION = [("active", np.bool_), ("edge", np.bool_), ("reward", np.float64), ("source", np.int64)]
_ADVICE = "advice"
"""NaN where the person gave none."""


def to_rows(steps: Sequence[Step]) -> npt.NDArray[Any]:
    """Steps of one task, one or more, as a structured array (len(steps),); plain npy can hold it."""
    first = steps[0]
    observation = [(name, value.dtype, value.shape) for name, value in first.observation.items()]
    actions = [(name, np.float32, first.executed.shape) for name in (*_ACTIONS, _ADVICE)]
    fields: list[Any] = [("stamp_ns", np.int64), ("feedback", _FEEDBACK), ("plan", _PLAN)]
    fields += [("intervention", _INTERVENTION)]
    rows = np.zeros(len(steps), [*fields, *actions, ("observation", observation)])
    for row, step in zip(rows, steps, strict=True):
        row["stamp_ns"] = step.stamp_ns
        *decided, advice = astuple(step.intervention)
        *outcome, plan = astuple(step.feedback)
        row["feedback"], row["plan"] = tuple(outcome), plan or _UNPLANNED
        row["intervention"], row[_ADVICE] = tuple(decided), advice or np.nan
        for name in _ACTIONS:
            row[name] = getattr(step, name)
        for name, value in step.observation.items():
            row["observation"][name] = value
    return rows


def from_rows(rows: npt.NDArray[Any]) -> list[Step]:
    """The steps that :func:`to_rows` was given.

    Raises:
        ValueError: a field is missing, or an unknown source.
    """
    return [_step(row) for row in rows]


def steps_part(steps: Sequence[Step]) -> Part:
    """Steps, one or more, as one file of a checkpoint. They never change, so the writer may compose the rows."""
    return Part(lambda: lambda: npy(to_rows(steps)))


def read_steps_part(path: Path) -> list[Step]:
    """The steps of a :func:`steps_part`.

    Raises:
        OSError, EOFError, ValueError: missing or damaged.
    """
    return from_rows(np.load(path, allow_pickle=False))


def ends(transitions: Sequence[Transition]) -> list[Step]:
    """The steps of consecutive transitions, each once."""
    return [*(item.before for item in transitions), *(item.after for item in transitions[-1:])]


def _step(row: Any) -> Step:
    active, edge, reward, source = row["intervention"].item()
    advice = () if np.isnan(row[_ADVICE]).any() else tuple(row[_ADVICE].tolist())
    plan = None if np.isnan(row["plan"]["context"]) else EpisodePlan(*row["plan"].item())
    names = row["observation"].dtype.names
    return Step(
        stamp_ns=int(row["stamp_ns"]),
        observation={name: row["observation"][name].copy() for name in names},
        feedback=replace(Feedback(*row["feedback"].item()), plan=plan),
        policy_action=row["policy_action"].copy(),
        command=row["command"].copy(),
        executed=row["executed"].copy(),
        intervention=Intervention(active, edge, reward, Source(source), advice),
    )
