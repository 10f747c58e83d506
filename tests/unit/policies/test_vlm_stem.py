from __future__ import annotations

import torch

from vlmrl_ros.policies.vlm.stem import Stem, StemConfig
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build


def test_tokens_say_where_they_are_where_that_is_asked_for():
    grey = torch.zeros(1, 3, 64, 64)
    plain, placed = (Stem(StemConfig(hidden_size=16, places=places)) for places in (0, 16))
    same = plain(grey).last_hidden_state[0, [5, 6, 9, 10]]
    assert (same == same[0]).all(), "away from the border one place is as another"
    told = placed(grey).last_hidden_state[0]
    assert len(torch.unique(told, dim=0)) == 16


def test_a_small_model_knows_the_places_of_its_tokens():
    model, _ = build(["red"], 0, TinyConfig(vision="stem", places=True, vision_width=32, width=32, layers=1))
    assert model.model.vision_tower.places.shape == (16, 32)
    assert model.model.vision_tower.places.requires_grad
