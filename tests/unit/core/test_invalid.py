from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.invalid import INVALID, carried_out, ends, penalty
from vlmrl_ros.core.text_action import read_action

WORDS = ("left", "right")
NAMED, NONE = read_action('{"action": "left"}', WORDS), read_action("let me think", WORDS)


@pytest.mark.parametrize("invalid", INVALID)
def test_a_text_that_names_an_action_is_carried_out_whatever_is_chosen(invalid):
    assert carried_out(NAMED, invalid, WORDS, np.random.default_rng(0)) == "left"
    assert (penalty(NAMED, invalid), ends(NAMED, invalid)) == (0.0, False)


@pytest.mark.parametrize(
    ("invalid", "cost", "over"),
    [("random", 0.0, False), ("no-op", 0.0, False), ("penalty", -1.0, False), ("end", -1.0, True)],
)
def test_one_that_names_none_costs_and_ends_as_chosen(invalid, cost, over):
    drawn = {carried_out(NONE, invalid, WORDS, np.random.default_rng(seed)) for seed in range(8)}
    assert drawn == (set(WORDS) if invalid == "random" else {None})
    assert (penalty(NONE, invalid), ends(NONE, invalid)) == (cost, over)
