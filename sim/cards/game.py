"""What a card game is to those who play it: rules without pictures or words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

SUITS = "SHDC"


class Card(NamedTuple):
    """A playing card."""

    rank: int
    """1 (ace) to 13 (king)."""
    suit: str
    """One of :data:`SUITS`."""

    @property
    def name(self) -> str:
        """What is printed in its corner, without the suit."""
        return {1: "A", 11: "J", 12: "Q", 13: "K"}.get(self.rank, str(self.rank))

    @property
    def value(self) -> int:
        """Points: faces count 10, an ace 1."""
        return min(self.rank, 10)


def draw(rng: np.random.Generator, lowest: int = 1) -> Card:
    """A card from a deck that never ends, of this rank or a higher one."""
    return Card(int(rng.integers(lowest, 14)), SUITS[rng.integers(len(SUITS))])


@dataclass(frozen=True)
class Outcome:
    """What an action led to."""

    reward: float
    terminated: bool = False
    truncated: bool = False


class CardGame(Protocol):
    """One game. A success is an episode whose undiscounted return is above zero (RL4VLM)."""

    name: str
    actions: tuple[str, ...]

    def reset(self, rng: np.random.Generator) -> None:
        """Deal; ``rng`` is kept for what is drawn later."""
        ...

    def act(self, action: str) -> Outcome:
        """Carry out one of the actions."""
        ...

    def solution(self) -> str:
        """The best action now."""
        ...

    def right_actions(self) -> frozenset[str]:
        """All actions that are as good."""
        ...

    @property
    def state(self) -> Hashable:
        """All that is known to the player; equal for equal states."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What a player should read off the picture, in the order in which they say it."""
        ...
