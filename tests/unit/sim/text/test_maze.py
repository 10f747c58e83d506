from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.sim.text import maze
from vlmrl_ros.sim.text.maze_map import (
    CELLS,
    GOAL,
    MOVES,
    STARTS,
    expected_returns,
    mean_over_starts,
    optimal_return,
    solution,
    submaze,
)


def begun(start: tuple[int, int], **options):
    task = maze.build({"start": STARTS.index(start), **options})
    return task, task.reset(0).text


def test_the_maze_is_that_of_the_paper():
    assert (len(CELLS), len(STARTS)) == (26, 25)
    assert optimal_return() == pytest.approx(-6.84, abs=1e-12)
    uniform = expected_returns(np.full((26, 4), 0.25))
    assert mean_over_starts(uniform) == pytest.approx(-86.0, abs=0.2)  # simulated


def test_values_of_moves_are_those_of_a_shortest_way():
    values = solution(0.9)
    beside = CELLS.index((7, 6))
    assert values[beside].tolist() == [pytest.approx(-1.9), 0.0, *[pytest.approx(-1.0)] * 2]
    assert solution(1.0)[CELLS.index((1, 1))].max() == -11


def test_a_move_into_a_wall_costs_one_and_leads_nowhere():
    task, prompt = begun((5, 3))
    assert prompt == "goal at 8, 6; you are at 5, 3; walls down, left\n"
    step = task.step("move left\n")
    assert (step.observation.text, step.reward, step.last, step.info["valid"]) == (prompt, -1.0, False, True)


def test_the_goal_is_worth_nothing_and_ends_the_episode():
    task, _ = begun((7, 6))
    step = task.step("move down")
    assert (step.reward, step.terminated, step.truncated, step.info["success"]) == (0.0, True, False, True)
    with pytest.raises(RuntimeError):
        task.step("move down")


@pytest.mark.parametrize("text", ["", "\n", "up", "move", "move upward", "move up move down", "MOVE UP", "x" * 100_000])
def test_what_is_no_move_costs_four(text):
    task, prompt = begun((5, 3))
    step = task.step(text)
    assert (step.observation.text, step.reward, step.info["action"], step.info["valid"]) == (prompt, -4.0, None, False)


def test_whoever_has_not_arrived_after_a_hundred_moves_loses_with_the_next():
    task, _ = begun((7, 6))
    steps = [task.step("move left") for _ in range(100)]
    steps.append(task.step("move down"))
    assert [step.last for step in steps] == [False] * 100 + [True]
    assert (steps[-1].truncated, steps[-1].terminated, steps[-1].info["success"]) == (True, False, False)
    assert sum(step.reward for step in steps) == maze.normalisation({}).lowest == -101


def test_starts_are_drawn_from_the_seed_and_all_are_met():
    task = maze.build({})
    first = [task.reset(seed).text for seed in range(300)]
    assert first == [task.reset(seed).text for seed in range(300)]
    assert len(set(first)) == 25


def test_data_stay_in_a_submaze_and_have_the_return_that_is_said():
    episodes = list(islice(maze.episodes({}, 3), 400))
    assert episodes[:20] == list(islice(maze.episodes({}, 3), 20))
    for episode in episodes:
        cells = [cell_of(text) for text in (*(turn.observation for turn in episode.turns), episode.final)]
        assert set(cells) <= submaze(cells[0])
        assert episode.terminated == (cells[-1] == GOAL)
    returns = [episode.undiscounted_return for episode in episodes]
    spread = np.std(returns) / np.sqrt(len(returns))
    assert np.mean(returns) == pytest.approx(maze.normalisation({}).average, abs=4 * spread)


def test_data_with_a_solver_alone_are_optimal_below_and_go_to_the_door_above():
    moves = {name for episode in islice(maze.episodes({"solver": 1.0}, 0), 60) for name in first_moves(episode)}
    assert ((1, 1), "right") in moves
    assert ((5, 4), "right") in moves
    assert ((1, 1), "left") not in moves


def test_scores_are_0_50_and_100_at_the_returns_that_are_named():
    scale = maze.normalisation({})
    assert [scale.score(value) for value in (-101, scale.average, optimal_return())] == [0, 50, 100]


def test_unknown_options_are_refused_with_the_valid_ones():
    with pytest.raises(UnknownNameError, match="solver, start"):
        maze.build({"size": 3})


def cell_of(text: str) -> tuple[int, int]:
    row, column = text.split("you are at ")[1].split(";")[0].split(", ")
    return int(row), int(column)


def first_moves(episode):
    for turn in episode.turns:
        yield cell_of(turn.observation), turn.action.split()[1]


def test_moves_are_named_as_they_are_said():
    assert tuple(maze.ACTIONS) == tuple(f"move {name}" for name in MOVES)
