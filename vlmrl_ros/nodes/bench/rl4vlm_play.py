"""Card games side by side, played by text: with a supervisor who takes over, and judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.side_by_side import Move, SideBySide, evaluation_seeds
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import TextAction, read_action
from vlmrl_ros.nodes.bench import supervisor
from vlmrl_ros.sim.cards.demonstrations import true_thoughts
from vlmrl_ros.sim.cards.game import CardGame
from vlmrl_ros.sim.cards.prompts import answer
from vlmrl_ros.sim.cards.task import CardTask, CardTaskConfig

Speaker = Callable[[Sequence[TextObservation]], Sequence[tuple[str, int]]]
"""Says something to each observation: the text, and how many tokens it has."""


class Supervisor(supervisor.Supervisor):
    """Takes a right action of the game instead."""

    def instead(self, game: CardGame, said: TextAction) -> str | None:
        """The action that is taken in its place; None where the utterance goes through."""
        right = game.right_actions()
        return str(self.rng.choice(sorted(right))) if self.objects(said.action in right) else None


class Table(SideBySide[CardTask]):
    """Games side by side."""

    def __init__(self, game: str, config: CardTaskConfig, seeds: Iterator[int], width: int) -> None:
        """Deal from the first seeds."""
        super().__init__([CardTask(game, config) for _ in range(width)], seeds)

    def move(self, texts: Sequence[str], supervisor: Supervisor | None = None) -> list[Move]:
        """Carry out a text in each game."""

        def play(task: CardTask, before: TextObservation, text: str) -> Move:
            said = read_action(text, task.legal_actions)
            instead = supervisor.instead(task.game, said) if supervisor else None
            step = task.step(text if instead is None else answer({}, None, instead))
            return Move(before, said, step, instead is not None)

        return self.carry_out(texts, play)


def judge(speak: Speaker, game: str, config: CardTaskConfig, episodes: int, width: int = 64) -> dict[str, float]:
    """Have a speaker play each of the evaluation's episodes once, alone.

    Returns:
        ``episodes``, ``successes``, ``steps``; of the steps ``right``, the share of right actions, ``valid``, that of
        texts that name an action, ``tokens``, the mean length; ``stated``, the share of the numbers in the picture that
        the answers give rightly, and ``true``, that of the thoughts that are true and lead to a right action.
    """
    table = Table(game, config, evaluation_seeds(episodes), min(width, episodes))
    successes, marks = 0, []
    while table.tasks:
        spoken = speak(table.observations)
        truths = [_truth(task.game) for task in table.tasks]
        moves = table.move([text for text, _ in spoken])
        for move, truth, (text, length) in zip(moves, truths, spoken, strict=True):
            marks.append((*truth.marks(text, move.said), length))
            successes += bool(move.step.info.get("success"))
    means = np.mean(np.array(marks, float), axis=0)
    names = ("right", "valid", "stated", "true", "tokens")
    found = dict(zip(names, map(float, means), strict=True))
    return {"episodes": float(episodes), "successes": float(successes), "steps": float(len(marks)), **found}


@dataclass(frozen=True)
class _Truth:
    """What was so when something was said."""

    facts: Mapping[str, Any]
    right: frozenset[str]
    thoughts: frozenset[str]

    def marks(self, text: str, said: TextAction) -> tuple[float, float, float, float]:
        """Right action, valid text, share of the numbers given rightly, true thought."""
        told = _told(text)
        wanted = [number for value in self.facts.values() for number in _numbers(value)]
        given = [number for name, value in self.facts.items() for number in _same_length(told.get(name), value)]
        stated = float(np.mean([one == other for one, other in zip(wanted, given, strict=True)])) if wanted else 0.0
        true = told.get("thoughts") in self.thoughts if isinstance(told.get("thoughts"), str) else False
        return float(said.action in self.right), float(said.valid), stated, float(true)


def _truth(game: CardGame) -> _Truth:
    return _Truth(game.facts, game.right_actions(), true_thoughts(game))


def _told(text: str) -> Mapping[str, Any]:
    """What an answer says, by key; nothing where it is no JSON object."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _numbers(value: Any) -> list[int]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)]


def _same_length(told: Any, true: Any) -> list[int | None]:
    """The numbers told in the place of the true ones, None for one that is missing or too many."""
    numbers: list[int | None] = [*_numbers(told)]
    wanted = len(_numbers(true))
    return numbers if len(numbers) == wanted else [None] * wanted
