"""The order in which the steps of a fleet are learned from. Pure."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Rounds(Generic[Item]):
    """Puts what the arms send, each in its own time, into an order.

    In turn, one item of each arm makes a round, in the order of the arms, and nothing is handed out before the round is
    whole. Then the order depends on what was sent alone, and a run of a fleet can be repeated; but an arm that pauses
    makes the others wait. Otherwise each item is a round of its own.
    """

    def __init__(self, arms: int, in_turn: bool) -> None:
        """Begin with nothing.

        Args:
            arms: number of arms.
            in_turn: one item of each arm in turn.
        """
        self._in_turn = in_turn
        self._waiting: list[deque[Item]] = [deque() for _ in range(arms)]

    def put(self, arm: int, item: Item) -> list[tuple[int, Item]]:
        """Take the next item of an arm; returns the round that it completes, as pairs of arm and item."""
        if not self._in_turn:
            return [(arm, item)]
        self._waiting[arm].append(item)
        if not all(self._waiting):
            return []
        return [(of, waiting.popleft()) for of, waiting in enumerate(self._waiting)]
