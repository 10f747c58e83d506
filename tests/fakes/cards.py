"""Card games in a state of one's own."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.sim.cards.game import CardGame


def dealt(game: CardGame, **state) -> CardGame:
    game.reset(np.random.default_rng(0))
    for name, value in state.items():
        setattr(game, name, value)
    return game
