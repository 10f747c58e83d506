"""The data of the maze as tables: what the learners' equations give there when nothing has to be approximated.

Every returned value is exact for the data at hand, so an ordering that is missing here is missing in the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.text_episode import END, TextEpisode
from vlmrl_ros.nodes.bench.lmrl_gym_maze import DISCOUNT, TOKENS
from vlmrl_ros.sim.text.maze import ACTIONS, build
from vlmrl_ros.sim.text.maze_map import (
    CELLS,
    MOVES,
    NUMBER,
    STARTS,
    Floats,
    backed_up,
    expected_returns,
    mean_over_starts,
)

_EXACT = 1e-9


@dataclass(frozen=True)
class Tables:
    """Of each move (column) in each cell (row), float64 (26, 4).

    Attributes:
        said: how often.
        successful: how often in episodes that succeeded.
        worth: mean discounted reward to go from the token that says where to go.
    """

    said: Floats
    successful: Floats
    worth: Floats

    @classmethod
    def of(cls, data: Sequence[TextEpisode]) -> Tables:
        """Count in episodes of the fully observed maze."""
        row = {build({"start": start}).reset(0).text: NUMBER[cell] for start, cell in enumerate(STARTS)}
        column = {f"{said}{END}": number for number, said in enumerate(ACTIONS)}
        said, successful, worth = (np.zeros((len(CELLS), len(MOVES))) for _ in range(3))
        for episode in data:
            to_go = 0.0
            for turn in reversed(episode.turns):
                at = row[turn.observation], column[turn.action]
                to_go = turn.reward + DISCOUNT**TOKENS * to_go
                said[at] += 1
                successful[at] += bool(episode.info["success"])
                worth[at] += DISCOUNT * to_go
        return cls(said, successful, worth / np.maximum(said, 1))

    def best(self, expectile: float) -> Floats:
        """ILQL's Q of the token that says where to go, float64 (26, 4): where its V and Q agree."""
        values, there = np.zeros(len(CELLS)), self.said.sum(1) > 0
        while True:
            worth = DISCOUNT * backed_up(values, DISCOUNT)
            # two tokens before it have nothing to choose: each is gamma times what follows
            after = np.where(there, DISCOUNT * _expectiles(worth, self.said, expectile), 0.0)
            if np.abs(after - values).max() < _EXACT:
                return worth
            values = after


def _expectiles(values: Floats, weights: Floats, expectile: float) -> Floats:
    """Of each row, float64 (26,); a row without weight gets nothing of use."""
    middle = values.max(1)
    while True:
        pull = weights * np.where(values > middle[:, None], expectile, 1 - expectile)
        after = (pull * values).sum(1) / np.maximum(pull.sum(1), _EXACT)
        if np.abs(after - middle).max() < _EXACT:
            return after
        middle = after


def tabular_returns(tables: Tables, beta: Mapping[str, float], expectile: float) -> dict[str, float]:
    """Exact mean return of each learner that needs no episodes of its own.

    Args:
        tables: of the data.
        beta: of ``lm_mc`` and ``ilql``.
        expectile: of ``ilql``.
    """
    worth = {"lm_mc": tables.worth, "ilql": tables.best(expectile)}
    policies = {
        "lm_bc": tables.said,
        "lm_filtered_bc": tables.successful,
        **{name: _perturbed(tables.said, beta[name] * of) for name, of in worth.items()},
    }
    return {name: mean_over_starts(expected_returns(_shares(weights))) for name, weights in policies.items()}


def _perturbed(said: Floats, shift: Floats) -> Floats:
    """Weights of the moves that were said, each times the exponential of its shift."""
    highest = np.where(said > 0, shift, -np.inf).max(1, keepdims=True)
    return said * np.exp(np.minimum(shift - np.where(np.isfinite(highest), highest, 0.0), 0.0))


def _shares(weights: Floats) -> Floats:
    """Probabilities of the moves; any of them where nothing was said."""
    total = weights.sum(1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), 1.0 / len(MOVES))
