"""EZPoints and Points24: write a formula, token by token, that uses every card and has the target as its value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from vlmrl_ros.sim.cards.formula import formula_for, formulas, value_of
from vlmrl_ros.sim.cards.game import Card, Outcome, draw

NUMBERS = tuple(str(number) for number in range(1, 11))
REFUSED = " "
"""Stands in the formula for a number that no card has left, so that it grows all the same."""
SOLVED, WRONG = 10.0, -1.0


class PointsGame(ABC):
    """The rules that both games share. Faces count 10.

    "=" ends the episode: +10 if the value is the target and all cards were used, else -1. A number that is not
    available costs 1. When the formula has more symbols than allowed, the next action ends the episode by truncation
    and costs 1.
    """

    name: str
    actions: tuple[str, ...]
    target: int
    longest: int
    operators: str

    def reset(self, rng: np.random.Generator) -> None:
        """Deal."""
        self.cards = self._deal(rng)
        self.numbers = tuple(card.value for card in self.cards)
        self.formula: list[str] = []

    @abstractmethod
    def _deal(self, rng: np.random.Generator) -> tuple[Card, ...]:
        """The cards of an episode."""

    def act(self, action: str) -> Outcome:
        """Append a token or, with "=", have the formula judged."""
        if len(self.formula) > self.longest:
            return Outcome(WRONG, truncated=True)
        if action == "=":
            solved = not self._left() and value_of(self.formula) == self.target
            return Outcome(SOLVED if solved else WRONG, terminated=True)
        if action in NUMBERS and int(action) not in self._left():
            self.formula.append(REFUSED)
            return Outcome(WRONG)
        self.formula.append(action)
        return Outcome(0.0)

    @property
    def written(self) -> tuple[str, ...]:
        """The formula without what was refused."""
        return tuple(token for token in self.formula if token != REFUSED)

    def _left(self) -> list[int]:
        """Numbers of the cards that are not used yet."""
        left = list(self.numbers)
        for token in self.formula:
            if token in NUMBERS:
                left.remove(int(token))
        return left

    def solution(self) -> str:
        """The next token of a formula that begins with what is written; "=" where it is whole, or there is none."""
        written = self.written
        whole = formula_for(tuple(sorted(self.numbers)), self.target, self.operators, written)
        return whole[len(written)] if whole is not None and len(written) < len(whole) else "="

    def right_actions(self) -> frozenset[str]:
        """The next token of every formula that begins with what is written; "=" where it is whole, or there is none."""
        written = self.written
        count = len(written)
        every = formulas(tuple(sorted(self.numbers)), self.target, self.operators)
        begun = {formula for formula in every if formula[:count] == written}
        return frozenset(formula[count] if count < len(formula) else "=" for formula in begun) or frozenset("=")

    @property
    def state(self) -> Hashable:
        """Cards and formula."""
        return self.cards, tuple(self.formula)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The cards by name, their numbers and the formula."""
        return {
            "cards": [card.name for card in self.cards],
            "numbers": list(self.numbers),
            "formula": " ".join(self.formula),
        }


class EZPoints(PointsGame):
    """Two cards that make 12 by + or *."""

    name = "ez_points"
    actions = (*NUMBERS, "+", "*", "=")
    target, longest, operators = 12, 5, "+*"

    def _deal(self, rng: np.random.Generator) -> tuple[Card, ...]:
        """A card, and one that completes it to 12; by product, where it divides 12, in half of the deals."""
        first = draw(rng, lowest=2)
        by_product = 12 % first.value == 0 and rng.random() <= 0.5
        second = 12 // first.value if by_product else 12 - first.value
        cards = (first, Card(second, draw(rng).suit))
        return cards[::-1] if rng.random() <= 0.5 else cards


class Points24(PointsGame):
    """Four cards, 24, all four operations and parentheses. Deals are not filtered: some have no solution."""

    name = "points24"
    actions = (*NUMBERS, "+", "-", "*", "/", "(", ")", "=")
    target, longest, operators = 24, 20, "+-*/"

    def _deal(self, rng: np.random.Generator) -> tuple[Card, ...]:
        return tuple(draw(rng) for _ in range(4))
