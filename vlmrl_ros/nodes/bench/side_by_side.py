"""Text tasks side by side: episodes that follow one another, somebody who takes over, and what is learned of a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

import numpy as np

from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation, TextStep, TextTask
from vlmrl_ros.core.text_action import TextAction
from vlmrl_ros.core.turn import Turn

TAKEOVER_REWARD = -1.0
"""RLIF's, of the utterance that the takeover answers; there is no other."""
EVALUATION_SEEDS = 10**12
"""First seed of the episodes that all are judged on; training has lower ones."""


def training_seeds(seed: int) -> Iterator[int]:
    """Of the episodes of one run, apart from those of other runs and of the evaluation."""
    return count(seed * 10**6)


def evaluation_seeds(episodes: int) -> Iterator[int]:
    """Of the episodes that all are judged on."""
    return iter(range(EVALUATION_SEEDS, EVALUATION_SEEDS + episodes))


@dataclass(frozen=True)
class Move:
    """One utterance in one task, and what came of it."""

    before: TextObservation
    said: TextAction
    step: TextStep
    taken_over: bool


Task = TypeVar("Task", bound=TextTask)
Made = TypeVar("Made", bound=Move)


class Supervisor:
    """Sees what an utterance would do and, where that is not right, has something right done instead, mostly."""

    def __init__(self, attention: float, seed: int) -> None:
        """Take the share of the wrong utterances that are noticed, 0 to 1."""
        self._attention, self.rng = attention, np.random.default_rng(seed)

    def objects(self, right: bool) -> bool:
        """Whether it takes over."""
        return not right and bool(self.rng.random() < self._attention)


class SideBySide(Generic[Task]):
    """Tasks side by side; one whose episode ends begins anew, as long as there are seeds."""

    def __init__(self, tasks: Sequence[Task], seeds: Iterator[int]) -> None:
        """Begin an episode with each of the first seeds."""
        self._seeds = seeds
        self.tasks = list(tasks)
        self.observations = [task.reset(next(seeds)) for task in self.tasks]

    def carry_out(self, texts: Sequence[str], play: Callable[[Task, TextObservation, str], Made]) -> list[Made]:
        """Play a text in each task; a task for whose next episode there is no seed leaves."""
        moves, stay = [], []
        for task, before, text in zip(self.tasks, self.observations, texts, strict=True):
            moves.append(play(task, before, text))
            seen = self._next(task, moves[-1].step)
            if seen is not None:
                stay.append((task, seen))
        self.tasks, self.observations = [task for task, _ in stay], [seen for _, seen in stay]
        return moves

    def _next(self, task: Task, step: TextStep) -> TextObservation | None:
        if not step.last:
            return step.observation
        seed = next(self._seeds, None)
        return None if seed is None else task.reset(seed)


def turn_of(said: Utterance, move: Move, *, supervised: bool, scale: float = 1.0) -> Turn:
    """What is learned from a move: of takeovers alone where somebody supervises, else of the task's reward, scaled."""
    step = move.step
    reward = TAKEOVER_REWARD * move.taken_over if supervised else scale * step.reward
    ended = (step.terminated, step.truncated, step.observation)
    return Turn(move.before, said, move.said, reward, *ended, taken_over=move.taken_over)
