from __future__ import annotations

import random

import pytest

from vlmrl_ros.core.errors import ConfigError, PluginError, UnknownNameError
from vlmrl_ros.sim.text import arena, load


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


def test_a_game_that_is_dealt_when_it_is_made_leaves_the_random_numbers_of_the_process_alone():
    random.seed(1)
    load.game("textarena:RushHour-v0").build({})
    assert random.random() == random.Random(1).random()


def test_a_line_that_a_game_logs_with_its_parts_in_another_order_is_told_once():
    task = load.game("textarena:Countdown-v0").build({})
    before = task.reset(0).text
    assert task.step("[0 1 +]").observation.text.startswith(f"{before}[0 1 +]\nTARGET: ")


def test_games_for_several_and_games_that_do_not_exist_are_refused():
    for game in ("TicTacToe-v0", "Briscola-v0"):  # one asserts the number of players, one raises
        with pytest.raises(ConfigError, match=f"textarena:{game} is not for a single player: .*2"):
            load.game(f"textarena:{game}").build({})
    with pytest.raises(UnknownNameError, match=r"unknown game of TextArena 'Go'; valid: .*FrozenLake-v0"):
        load.game("textarena:Go").build({})


def test_textarena_brings_neither_data_nor_scores():
    game = load.game("textarena:FrozenLake-v0")
    with pytest.raises(ConfigError, match="has no data"):
        game.episodes({}, 0)
    with pytest.raises(ConfigError, match="has no data"):
        game.normalisation({})


def test_a_game_whose_files_are_not_there_is_refused_in_one_line():
    with pytest.raises(
        PluginError, match=r"^textarena:ScorableGames-v0 does not run .*: FileNotFoundError: .*directory"
    ):
        load.game("textarena:ScorableGames-v0").build({})


def test_of_what_a_game_says_it_lacks_the_line_is_told_that_says_something():
    ruler = "*" * 70
    assert arena.first_line(f"\n{ruler}\n  Resource \x1b[93mwords\x1b[0m not found.\n  Use it.\n{ruler}\n") == (
        "Resource words not found."
    )
    assert arena.first_line("") == ""
