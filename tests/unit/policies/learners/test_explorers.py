from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.policies.learners.bandit.explorers import Explorers
from vlmrl_ros.policies.learners.trust.config import TrustConfig


@pytest.fixture
def explorers():
    return Explorers(TrustConfig(), np.random.default_rng(0))


def lived(explorers: Explorers, arm: int, episodes: int, task_return: float) -> None:
    for _ in range(episodes):
        explorers.record(arm, task_return)


def test_a_new_checkpoint_acts_in_one_episode_before_anything_is_drawn(explorers):
    assert explorers.add() == 0
    assert explorers.choose() == 0
    lived(explorers, 0, 3, 1.0)
    assert explorers.choose() == 0
    assert explorers.add() == 1
    assert explorers.choose() == 1
    explorers.record(1, 0.0)
    assert explorers.choose() in (0, 1)


def test_what_failed_once_hardly_acts_beside_what_is_known_to_be_good(explorers):
    for arm, (episodes, task_return) in enumerate(((60, 1.0), (1, 0.0), (1, 0.0))):
        explorers.add()
        lived(explorers, arm, episodes, task_return)
    chosen = [explorers.choose() for _ in range(50)]
    assert chosen.count(0) >= 45


def test_a_checkpoint_that_succeeds_again_and_again_takes_over_from_one_that_fails(explorers):
    for arm, task_return in enumerate((0.0, 1.0)):
        explorers.add()
        lived(explorers, arm, 60, task_return)
    chosen = [explorers.choose() for _ in range(50)]
    assert chosen.count(1) == 50
