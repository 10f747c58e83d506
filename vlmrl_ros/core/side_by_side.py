"""Text tasks side by side: episodes that follow one another, and what is lived and learned in them, turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation, TextStep, TextTask
from vlmrl_ros.core.text_action import TextAction, read_said
from vlmrl_ros.core.turn import Turn

TAKEOVER_REWARD = -1.0
"""RLIF's, of the utterance that the takeover answers; there is no other."""
EVALUATION_SEEDS = 10**12
"""First seed of the episodes that all are judged on; training has lower ones."""


def training_seeds(seed: int, begun: int = 0, alike: int = 1) -> Iterator[int]:
    """Of the episodes of one run, apart from those of other runs and of the evaluation.

    Args:
        seed: of the run.
        begun: so many seeds have had their episodes.
        alike: episodes of each seed, one after the other.
    """
    return (number for number in count(seed * 10**6 + begun) for _ in range(alike))


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
Speak = Callable[[Sequence[TextObservation]], Sequence[Utterance]]
"""Says something to each observation."""


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


def alone(task: TextTask, before: TextObservation, text: str) -> Move:
    """Carry out a text as it was said: nobody takes over."""
    said = read_said(text, task.legal_actions)
    return Move(before, said, task.step(text), taken_over=False)


def live(
    table: SideBySide[Task],
    speak: Speak,
    move: Callable[[Sequence[str]], Sequence[Move]],
    steps: int,
    *,
    supervised: bool = False,
    scale: float = 1.0,
) -> list[list[Turn]]:
    """Live through some steps in each task: what is learned from.

    Args:
        table: of the tasks, none of which leaves.
        speak: who acts.
        move: carries out a text in each task of the table.
        steps: in each task.
        supervised, scale: see :func:`turn_of`.

    Returns:
        the turns of each task, in order.
    """
    streams: list[list[Turn]] = [[] for _ in table.tasks]
    for _ in range(steps):
        said = speak(table.observations)
        moves = move([one.text for one in said])
        for arm, (one, made) in enumerate(zip(said, moves, strict=True)):
            streams[arm].append(turn_of(one, made, arm=arm, supervised=supervised, scale=scale))
    return streams


def outcomes(table: SideBySide[Task], speak: Speak) -> Iterator[tuple[float, bool]]:
    """Play until all tasks have left the table; of each episode that ends, its return and whether it was a success."""
    returns = {id(task): 0.0 for task in table.tasks}
    while table.tasks:
        playing = table.tasks
        said = speak(table.observations)
        for task, move in zip(playing, table.carry_out([one.text for one in said], alone), strict=True):
            returns[id(task)] += move.step.reward
            if move.step.last:
                yield returns[id(task)], bool(move.step.info.get("success", False))
                returns[id(task)] = 0.0


def turn_of(said: Utterance, move: Move, *, arm: int = 0, supervised: bool = False, scale: float = 1.0) -> Turn:
    """What is learned from a move: of takeovers alone where somebody supervises, else of the task's reward, scaled."""
    step = move.step
    return Turn(
        observation=move.before,
        utterance=said,
        said=move.said,
        reward=TAKEOVER_REWARD * move.taken_over if supervised else scale * step.reward,
        terminated=step.terminated,
        truncated=step.truncated,
        after=step.observation,
        anchor=move.before.key,
        arm=arm,
        taken_over=move.taken_over,
        success=step.last and bool(step.info.get("success", False)),
    )
