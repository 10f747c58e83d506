"""Blackjack with a deck that never ends; of the dealer's two cards one is seen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from vlmrl_ros.sim.cards.game import Card, Outcome, draw

BEST, DEALER_STANDS = 21, 17


def total(hand: Sequence[Card]) -> int:
    """Points of a hand; an ace counts 11 where that does not bust it."""
    points = sum(card.value for card in hand)
    return points + 10 if is_soft(hand) else points


def is_soft(hand: Sequence[Card]) -> bool:
    """An ace counts 11."""
    return any(card.rank == 1 for card in hand) and sum(card.value for card in hand) + 10 <= BEST


class Blackjack:
    """+1 for a win, -1 for a loss, 0 for a draw, which is no success either. A natural counts like any win."""

    name = "blackjack"
    actions = ("stand", "hit")

    def reset(self, rng: np.random.Generator) -> None:
        """Deal two cards each."""
        self._rng = rng
        self.dealer = [draw(rng), draw(rng)]
        self.player = [draw(rng), draw(rng)]

    def act(self, action: str) -> Outcome:
        """Take a card, or let the dealer play."""
        if action == "hit":
            self.player.append(draw(self._rng))
            return Outcome(-1.0, terminated=True) if total(self.player) > BEST else Outcome(0.0)
        while total(self.dealer) < DEALER_STANDS:
            self.dealer.append(draw(self._rng))
        dealer = total(self.dealer)
        mine, theirs = total(self.player), dealer if dealer <= BEST else 0
        return Outcome(float(mine > theirs) - float(mine < theirs), terminated=True)

    def solution(self) -> str:
        """Basic strategy of hitting and standing."""
        mine, shown = total(self.player), self.dealer[0].value
        if is_soft(self.player):
            stands = mine >= 19 or (mine == 18 and 2 <= shown <= 8)
        else:
            stands = mine >= 17 or (mine >= 13 and 2 <= shown <= 6) or (mine == 12 and 4 <= shown <= 6)
        return "stand" if stands else "hit"

    def right_actions(self) -> frozenset[str]:
        """The solution alone."""
        return frozenset({self.solution()})

    @property
    def state(self) -> Hashable:
        """The dealer's card that is seen, and the hand."""
        return self.dealer[0], tuple(self.player)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The cards by name and the points."""
        return {
            "dealer card": self.dealer[0].name,
            "player cards": [card.name for card in self.player],
            "player total": total(self.player),
        }
