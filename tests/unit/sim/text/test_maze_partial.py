from __future__ import annotations

from itertools import islice

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.sim.text import maze, maze_partial
from vlmrl_ros.sim.text.maze_map import STARTS


def begun(start: tuple[int, int]):
    task = maze_partial.build({"start": STARTS.index(start)})
    return task, task.reset(0).text


def test_a_prompt_has_walls_and_the_last_forty_pieces():
    task, prompt = begun((1, 1))
    assert prompt == "walls up, down, left\n"
    step = task.step("move right")
    assert step.observation.text == "walls up, down, left\nmove right\nwalls up, down\n"
    for _ in range(30):
        step = task.step("move up")
    pieces = step.observation.text.splitlines()
    assert (len(pieces), pieces[0], pieces[-1]) == (40, "move up", "walls up, down")


def test_what_is_no_move_makes_it_forget():
    task, _ = begun((1, 1))
    task.step("move right")
    step = task.step("no move")
    assert (step.observation.text, step.reward) == ("walls up, down\n", -4.0)


def test_the_utterance_that_comes_too_late_is_not_told():
    task, _ = begun((1, 1))
    steps = [task.step("move up") for _ in range(101)]
    assert [step.last for step in steps] == [False] * 100 + [True]
    assert steps[-1].observation == steps[-2].observation


def test_an_episode_begins_without_a_past_and_a_clone_goes_on_alone():
    task, prompt = begun((1, 1))
    task.step("move right")
    other = task.clone()
    assert other.step("move right").observation.text == task.clone().step("move right").observation.text
    other.step("move down")
    assert task.rules.cell == (1, 2)
    assert task.reset(0).text == prompt


def test_the_data_are_the_walks_of_the_fully_observed_maze():
    seen, blind = (list(islice(game.episodes({}, 3), 30)) for game in (maze, maze_partial))
    for whole, part in zip(seen, blind, strict=True):
        assert [turn.action for turn in part.turns] == [turn.action for turn in whole.turns]
        assert part.info == whole.info


def test_scores_end_at_the_best_return_that_is_known():
    scale = maze_partial.normalisation({})
    assert (scale.lowest, scale.average, scale.highest) == (-101, maze.normalisation({}).average, -25.75)


def test_an_option_out_of_range_is_named_as_that_of_this_task():
    with pytest.raises(ConfigError, match=r"maze_partial\.start"):
        maze_partial.build({"start": 25})
