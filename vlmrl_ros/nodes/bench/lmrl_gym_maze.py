"""Values that ILQL has learned in the maze against those of tabular value iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vlmrl_ros.core.text_episode import END
from vlmrl_ros.policies.language.policy import speaker_of
from vlmrl_ros.sim.text.maze import build
from vlmrl_ros.sim.text.maze_map import MOVES, NUMBER, STARTS, solution

DISCOUNT = 0.99
"""Of one action token."""
TOKENS = 3
"""Of a move: the word ``move``, where to, and the line end, at which the reward lies."""


@torch.no_grad()
def errors_of_values(variables: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Distance of the values of each move from the exact ones, float64 (25, 4), in the unit of the discounted return.

    The token that says where to go is judged: one more token before the reward, so gamma times the move's value; and
    a move is worth its reward and, three tokens later, the best move's value.

    Args:
        variables: of ILQL on the fully observed maze, with the tokenizer ``word``.
    """
    speaker = speaker_of(variables)
    exact = DISCOUNT * solution(DISCOUNT**TOKENS)
    errors = np.zeros((len(STARTS), len(MOVES)))
    said = {move: speaker.tokenizer.encode(f"move {move}{END}") for move in MOVES}
    if {len(tokens) for tokens in said.values()} != {TOKENS}:
        raise ValueError(f"a move has tokens {said}; the exact values are for {TOKENS}")
    for row, cell in enumerate(STARTS):
        prompt = build({"start": row}).reset(0).text
        ids = torch.tensor([[*speaker.tokenizer.prompt(prompt), said["up"][0]]])
        assert speaker.critic is not None
        values = speaker.critic.least(speaker.critic.trunk.hidden(ids)[0, -1])
        errors[row] = [float(values[tokens[1]]) for tokens in said.values()] - exact[NUMBER[cell]]
    return np.abs(errors)
