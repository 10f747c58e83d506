"""Values that ILQL has learned in the maze, and the exact ones of tabular value iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.text_episode import END
from vlmrl_ros.policies.language.policy import speaker_of
from vlmrl_ros.sim.text.maze import build
from vlmrl_ros.sim.text.maze_map import MOVES, NUMBER, STARTS, Floats, solution

DISCOUNT = 0.99
"""Of one action token."""
TOKENS = 3
"""Of a move: the word ``move``, where to, and the line end, at which the reward lies."""
ROWS = [NUMBER[start] for start in STARTS]
"""Those of the starts in tables of all cells."""


def exact_values() -> Floats:
    """What the token that says where to go is worth to the best player, float64 (25, 4), discounted; rows are starts.

    One more token before the reward, so gamma times the move's value; and a move is worth its reward and, three tokens
    later, the best move's value.
    """
    return (DISCOUNT * solution(DISCOUNT**TOKENS))[ROWS]


@torch.no_grad()
def values_of(variables: Mapping[str, Any]) -> Floats:
    """What ILQL has learned that the same token is worth, float64 (25, 4).

    Args:
        variables: of ILQL on the fully observed maze, with the tokenizer ``word``.
    """
    speaker = speaker_of(variables)
    found = np.zeros((len(STARTS), len(MOVES)))
    said = {move: speaker.tokenizer.encode(f"move {move}{END}") for move in MOVES}
    if {len(tokens) for tokens in said.values()} != {TOKENS}:
        raise ValueError(f"a move has tokens {said}; the exact values are for {TOKENS}")
    for row in range(len(STARTS)):
        prompt = build({"start": row}).reset(0).text
        ids = torch.tensor([[*speaker.tokenizer.prompt(prompt), said["up"][0]]])
        assert speaker.critic is not None
        values = speaker.critic.least(speaker.critic.trunk.hidden(ids)[0, -1])
        found[row] = [float(values[tokens[1]]) for tokens in said.values()]
    return found
