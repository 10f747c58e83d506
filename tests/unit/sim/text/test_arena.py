from __future__ import annotations

import random

import pytest

from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.sim.text import load


@pytest.fixture
def lake():
    return load.game("textarena:FrozenLake-v0").build({})


def test_a_game_of_textarena_is_played_to_its_reward(lake):
    lake.reset(0)
    steps = []
    while not steps or not steps[-1].last:
        steps.append(lake.step("[right]" if len(steps) % 2 else "[down]"))
    assert steps[-1].terminated
    assert [step.reward for step in steps[:-1]] == [0.0] * (len(steps) - 1)
    assert steps[-1].info["success"] == (steps[-1].reward > 0)


def test_equal_seeds_play_alike_clones_too_and_the_process_keeps_its_random_numbers(lake):
    random.seed(1)
    expected = random.Random(1).random()
    first = lake.reset(5).text
    twin = lake.clone()
    then = lake.step("[right]").observation.text
    assert twin.step("[right]").observation.text == then
    assert lake.reset(5).text == first
    assert random.random() == expected
    assert len({lake.reset(seed).text for seed in range(5)}) > 1


def test_illegal_text_is_answered_by_the_game(lake):
    before = lake.reset(0).text
    step = lake.step("fly")
    assert step.observation.text.startswith(before + "fly\n")
    assert "invalid move" in step.observation.text


def test_games_for_several_and_games_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="textarena:TicTacToe-v0 is not for a single player"):
        load.game("textarena:TicTacToe-v0").build({})
    with pytest.raises(UnknownNameError, match=r"unknown game of TextArena 'Go'; valid: .*FrozenLake-v0"):
        load.game("textarena:Go").build({})


def test_textarena_brings_neither_data_nor_scores():
    game = load.game("textarena:FrozenLake-v0")
    with pytest.raises(ConfigError, match="has no data"):
        game.episodes({}, 0)
    with pytest.raises(ConfigError, match="has no data"):
        game.normalisation({})
