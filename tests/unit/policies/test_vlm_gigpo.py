"""Advantages without a critic, against numbers worked out by hand, and learning from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.gigpo import GigpoConfig, UtteranceGigpo, group_advantages
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SEEN = TextObservation("<image>which?", (np.zeros((16, 16, 3), np.uint8),))
SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)


def turn(reward: float, anchor: str | None, said: Utterance | None = None, text: str = "") -> Turn:
    return Turn(SEEN, said, read_action(text, ("a", "b")), reward, False, False, SEEN, anchor)


def test_advantages_by_hand():
    """Returns 1 and 0; the start is seen by both, the second state once, so that it compares with nothing."""
    group = [[turn(0.0, "start"), turn(1.0, "second")], [turn(0.0, "start"), turn(0.0, "start")]]
    made = group_advantages([group], discount=0.5, step_weight=2.0)
    # Returns to come of "start": 0.5, 0, 0: mean 1/6, standard deviation sqrt(2)/6.
    first = (0.5 - 1 / 6) / (np.sqrt(2) / 6)
    other = (0.0 - 1 / 6) / (np.sqrt(2) / 6)
    np.testing.assert_allclose(made, [1 + 2 * first, 1, -1 + 2 * other, -1 + 2 * other], rtol=1e-6)


def test_groups_do_not_mix_even_where_their_states_are_called_alike():
    even = [[turn(1.0, "s")], [turn(1.0, "s")]]
    odd = [[turn(1.0, "s")], [turn(0.0, "s")]]
    assert group_advantages([even, odd], 0.9, 1.0).tolist() == [0.0, 0.0, 2.0, -2.0]


@pytest.mark.parametrize(
    ("group", "complaint"),
    [
        ([[turn(0.0, "s")]], "two episodes or more"),
        ([[turn(0.0, "s")], []], r"got \[1, 0\]"),
        ([[turn(0.0, "s")], [turn(0.0, None)]], "no anchor"),
    ],
)
def test_groups_that_compare_nothing_are_refused(group, complaint):
    with pytest.raises(ConfigError, match=complaint):
        group_advantages([group], 0.9, 1.0)


def test_what_is_better_than_the_rest_becomes_likelier():
    """Of four answers to one picture those that begin with one token are paid."""
    model, processor = build(["ab"], 0, SMALL)
    said = Decoder(model, processor, 2).decode([SEEN] * 4, 1.0, torch.Generator().manual_seed(0))
    wanted = said[0].token_ids[0]
    assert len({one.token_ids[0] for one in said}) > 1
    group = [[turn(float(one.token_ids[0] == wanted), "s", one)] for one in said]
    config = GigpoConfig(temperature=1.0, learning_rate=1e-2, updates=100)
    learner = UtteranceGigpo(model, processor, np.random.default_rng(0), config)

    def likelihood() -> float:
        inputs = Decoder(model, processor, 2).inputs([SEEN])
        with torch.no_grad():
            return float(torch.log_softmax(model(**inputs).logits[0, -1], -1)[wanted])

    before = likelihood()
    metrics = learner.update([group])
    assert metrics["first_ratio_error"] < 1e-4
    assert likelihood() > before + 0.01
