from __future__ import annotations

import numpy as np
import pytest

from tests.unit.sim.conftest import drive
from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.sim.operators.crash_maze import build as build_operator
from vlmrl_ros.sim.tasks.crash_maze import build, cell_of, distances, free_cells, goal_cell, is_wall

STEADY = {"wander": 0.0, "action_noise": 0.0}


def position(glance: Glance) -> np.ndarray:
    return np.array([glance.scene["x"], glance.scene["y"]])


def test_a_wall_ends_the_episode_for_good_and_earns_nothing(rng):
    task = build({})
    for direction in ([0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]):
        task.reset(rng)
        timestep = task.step(np.array(direction, np.float32))
        while not timestep.last():
            timestep = task.step(np.array(direction, np.float32))
        assert (timestep.discount, timestep.reward, task.success) == (0.0, 0.0, False)
        assert is_wall(cell_of(timestep.observation["state"][:2]))


def test_the_goal_ends_the_episode_and_earns_one(rng):
    task = build({"slip_m": 0.0})
    operator = build_operator(task.spec, STEADY)
    operator.reset(rng, demonstrate=True)
    timestep, step, earned = task.reset(rng), 0, 0.0
    while not timestep.last():
        glance = Glance(task.scene(), step, False, False, True)
        timestep, step = task.step(operator.intent(glance).action), step + 1
        earned += timestep.reward
    assert (timestep.discount, earned, task.success) == (0.0, 1.0, True)
    assert cell_of(timestep.observation["state"][:2]) in (goal_cell(), (1, 2))
    assert step >= 8 / 0.5 - 2


def test_episodes_begin_far_from_the_goal_or_where_the_option_says(rng):
    ways = distances(goal_cell())
    for nearest in (8, 0):
        task = build({"nearest_start": nearest})
        cells = {cell_of(task.reset(rng).observation["state"][:2]) for _ in range(400)}
        assert cells == {cell for cell in free_cells() if ways[cell] >= nearest}
    assert max(ways.values()) == 16


def test_a_move_is_off_by_the_slip_and_rest_is_not(rng):
    task, off = build({"slip_m": 0.05, "nearest_start": 15}), []
    for _ in range(600):
        begin = task.reset(rng).observation["state"][:2]
        resting = task.step(np.zeros(2, np.float32)).observation["state"][:2]
        np.testing.assert_array_equal(resting, begin)
        off.append(task.step(np.array([-0.1, 0.0], np.float32)).observation["state"][:2] - begin)
    np.testing.assert_allclose(np.mean(off, 0), [-0.1, 0.0], atol=0.01)
    np.testing.assert_allclose(np.std(off, 0), [0.05, 0.05], rtol=0.15)


def test_the_observation_is_the_position_and_waves_of_it(rng):
    state = build({}).reset(rng).observation["state"].astype(np.float64)
    x, y = 2 * state[:2] / 7 - 1
    expected = [f(k * np.pi * value) for k in (1, 2) for f in (np.sin, np.cos) for value in (x, y)]
    np.testing.assert_allclose(state[2:], expected, atol=1e-5)


def test_the_operators_data_reach_the_goal_now_and_then_and_cover_the_maze():
    task = build({"nearest_start": 0})
    operator = build_operator(task.spec, {})
    episodes = [drive(task, operator, seed) for seed in range(300)]
    assert 0.1 < np.mean([episode[-1].success for episode in episodes]) < 0.25
    assert 2800 < sum(len(episode) - 1 for episode in episodes) < 4200
    assert {cell_of(position(g)) for episode in episodes for g in episode} >= set(free_cells())


def test_a_person_takes_over_near_a_wall_and_drives_on_for_a_while():
    task = build({})
    operator = build_operator(task.spec, {**STEADY, "hold_steps": 3})
    operator.reset(np.random.default_rng(0), demonstrate=False)
    places = [(3.5, 5.5), (3.5, 5.95), (3.5, 5.5), (3.5, 5.5), (3.5, 5.5)]
    intents = [operator.intent(Glance({"x": x, "y": y}, k, False, False, False)) for k, (x, y) in enumerate(places)]
    assert [intent.takeover for intent in intents] == [False, True, True, True, False]
    assert intents[1].action[0] < 0, "along the way"
    assert intents[1].action[1] < 0, "away from the wall"


def test_actions_stay_within_the_bounds():
    task = build({})
    operator = build_operator(task.spec, {"action_noise": 5.0})
    operator.reset(np.random.default_rng(0), demonstrate=True)
    actions = [operator.intent(Glance({"x": 3.5, "y": 5.5}, k, False, False, True)).action for k in range(50)]
    assert np.abs(actions).max() == pytest.approx(0.99 * 0.5)


def test_the_picture_shows_walls_goal_and_point(rng):
    task = build({})
    task.reset(rng)
    frame = task.render("front", 70, 140)
    assert (frame.shape, frame.dtype) == ((70, 140, 3), np.uint8)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) == 4
    assert (frame[0] == frame[0, 0]).all(), "a wall along the top"
