"""Compares what was carried out, what the bags hold and what the learner keeps: none lost, none twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.layout import BAGS, episodes
from vlmrl_ros.bridge.bags.reader import read_spec, step_parts, steps_after
from vlmrl_ros.bridge.step_topics import step_topics
from vlmrl_ros.core.chain import Chain, DemonstrationSieve
from vlmrl_ros.core.checkpoint import LEARNER_FOLDER
from vlmrl_ros.core.replay import Replay
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step
from vlmrl_ros.policies.learners.memory import transition_columns, transition_values

BEGINNING = ("state", "action")
"""The columns that say which transition a row is; what it is worth, and where its return ends, is the learner's."""
Rows = Counter[bytes]


@dataclass(frozen=True)
class Account:
    """Transitions and steps that are not exactly once where they should be.

    Attributes:
        transitions: that the bags hold and a learner is to keep: all but those of demonstrations that failed.
        lost: transitions of the bags that the learner does not keep, or the other way round, steps that the arm was
            seen to carry out and that no bag holds, and steps that are missing within an episode of the bags.
        doubled: transitions that the learner keeps, and steps that the bags hold, more than once.
    """

    transitions: int
    lost: int
    doubled: int


def settle(run_dir: Path, checkpoint: Path, executed: Iterable[int]) -> Account:
    """Compare the bags of a run with its last checkpoint.

    Args:
        run_dir: of a run without cameras whose replay has not overflown.
        checkpoint: the last one of the run.
        executed: stamps of the steps that the bridge was heard to carry out, ns.

    Raises:
        VlmrlError: no bags, or a damaged bag or checkpoint.
    """
    bags = run_dir / BAGS
    steps = list(steps_after(bags, -1))
    spec = read_spec(episodes(bags)[-1])
    lived, kept = lived_rows(spec, steps), kept_rows(spec, checkpoint / LEARNER_FOLDER)
    return count(lived, kept, steps, written_stamps(bags), executed)


def count(lived: Rows, kept: Rows, steps: list[Step], written: Counter[int], executed: Iterable[int]) -> Account:
    """What :func:`settle` makes of what it has read. Pure.

    Args:
        lived: transitions of the bags.
        kept: transitions of the learner.
        steps: of the bags, in order, each once.
        written: stamp to how often the bags hold its step.
        executed: see :func:`settle`.
    """
    twice = sum(max(0, kept[row] - number) for row, number in lived.items())
    strangers = sum(number for row, number in kept.items() if row not in lived)
    unseen = sum(stamp not in written for stamp in executed)
    gaps = sum(_missing_between(before, after) for before, after in pairwise(steps))
    places = Counter((step.feedback.episode, step.feedback.step) for step in steps)
    repeats = sum(written.values()) - len(written) + sum(places.values()) - len(places)
    lost = sum((lived - kept).values()) + strangers + unseen + gaps
    return Account(sum(lived.values()), lost, twice + repeats)


def lived_rows(spec: TaskSpec, steps: Iterable[Step]) -> Rows:
    """The transitions that follow from steps, as the learner would keep them: bytes to number of times."""
    chain, sieve, rows = Chain(), DemonstrationSieve(), Rows()
    for step in steps:
        transition = chain.append(step)
        for settled in sieve.put(transition) if transition is not None else ():
            rows[_row(transition_values(spec, settled, 0.0))] += 1
    return rows


def kept_rows(spec: TaskSpec, folder: Path) -> Rows:
    """The transitions in the replays of a learner's state: bytes to number of times.

    Raises:
        CheckpointError: it is damaged.
    """
    rows = Rows()
    for file in folder.rglob("replay.json"):
        about = json.loads(file.read_text(encoding="utf-8"))
        replay = Replay(transition_columns(spec), about["capacity"])
        replay.restore(file.parent)
        first, end = about["rows"]
        columns = replay.layout.split(replay.rows(np.arange(first, end) % replay.capacity))
        for index in range(end - first):
            rows[_row({name: column[index] for name, column in columns.items()})] += 1
    return rows


def written_stamps(bags: Path) -> Counter[int]:
    """How often the bags hold each step, by its stamp in ns. A step is whole with its last part, ``executed``."""
    return Counter(_executed_in(bags))


def _executed_in(bags: Path) -> Iterator[int]:
    for folder in episodes(bags):
        for part in step_parts(folder, step_topics(read_spec(folder))):
            if part.topic.part == "executed":
                yield messages.stamp_of(part.decode())


def _missing_between(before: Step, after: Step) -> int:
    one, other = before.feedback, after.feedback
    return max(0, other.step - one.step - 1) if one.episode == other.episode else 0


def _row(columns: Mapping[str, object]) -> bytes:
    return b"".join(np.asarray(columns[name], np.float32).tobytes() for name in BEGINNING)
