"""Every registered task, and one environment of each adapter, keeps the task protocol."""

from __future__ import annotations

from collections.abc import Iterator

import dm_env
import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import NonFiniteError, ShapeError, UnknownNameError
from vlmrl_ros.core.interfaces import Task
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim import load

ARM_TASKS = ("peg_insert", "pick_lift", "reach", "tabletop")
FOREIGN = ("gym:FetchReach-v4", "gym:Pendulum-v1", "dm:cartpole-swingup")
NAMES = (*registry.names("tasks"), *FOREIGN)


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest) -> Iterator[Task]:
    made = load.build(request.param, {})
    yield made
    made.close()


def roll(task: Task, seed: int, steps: int) -> list[dm_env.TimeStep]:
    rng = np.random.default_rng(seed)
    low, high = task.spec.action.low, task.spec.action.high
    timesteps = [task.reset(rng)]
    while len(timesteps) <= steps and not timesteps[-1].last():
        timesteps.append(task.step(rng.uniform(low, high).astype(np.float32)))
    return timesteps


def test_the_arm_tasks_are_registered():
    assert set(ARM_TASKS) <= set(registry.names("tasks"))


def test_observations_match_the_spec(task: Task):
    spec = task.spec
    for timestep in roll(task, 0, 10):
        assert set(timestep.observation) == {"state", *(camera.name for camera in spec.cameras)}
        state = timestep.observation["state"]
        assert state.dtype == np.float32
        assert spec.observation.check(state, "state").shape == (spec.observation.size,)


def test_the_spec_survives_its_json(task: Task):
    read = TaskSpec.from_json(task.spec.to_json())
    assert read.to_json() == task.spec.to_json()


def test_one_seed_gives_one_trajectory_whatever_came_before(task: Task):
    first = roll(task, 3, 30)
    roll(task, 4, 17)
    second = roll(task, 3, 30)
    assert [t.observation["state"].tobytes() for t in first] == [t.observation["state"].tobytes() for t in second]
    assert [t.reward for t in first] == [t.reward for t in second]


def test_other_seeds_give_other_episodes(task: Task):
    states = {roll(task, seed, 0)[0].observation["state"].tobytes() for seed in range(5)}
    assert len(states) == 5


def test_an_idle_episode_is_truncated_at_the_horizon(task: Task):
    timestep = task.reset(np.random.default_rng(0))
    steps = 0
    while not timestep.last():
        timestep = task.step(np.zeros(task.spec.action.size, np.float32))
        steps += 1
    assert steps == task.spec.horizon
    assert timestep.discount == 1.0


def test_a_wrong_dimension_is_refused(task: Task):
    task.reset(np.random.default_rng(0))
    with pytest.raises(ShapeError, match="expected"):
        task.step(np.zeros(task.spec.action.size + 1, np.float32))


def test_an_action_that_is_not_a_number_is_refused(task: Task):
    task.reset(np.random.default_rng(0))
    with pytest.raises(NonFiniteError, match=task.spec.action.names[0]):
        task.step(np.full(task.spec.action.size, np.nan, np.float32))


def test_scene_and_joints_are_finite_numbers(task: Task):
    roll(task, 0, 3)
    values = [*task.scene().values(), *task.joints().values()]
    assert task.scene()
    assert all(type(value) is float and np.isfinite(value) for value in values)


def test_an_unknown_option_names_the_valid_ones(task: Task):
    with pytest.raises(UnknownNameError, match="horizon"):
        load.build(task.spec.task, {"colour": "red"})


@pytest.mark.parametrize("name", ARM_TASKS)
def test_many_resets_stay_within_the_bounds(name: str, rng: np.random.Generator):
    task = load.build(name, {})
    spec = task.spec.observation
    states = np.array([task.reset(rng).observation["state"] for _ in range(100)])
    assert (states >= spec.low).all()
    assert (states <= spec.high).all()
    assert np.abs(spec.normalise(states)).max() <= 1.0


@pytest.mark.parametrize("name", ARM_TASKS)
def test_saturated_actions_never_leave_the_bounds_of_the_observation(name: str):
    task = load.build(name, {})
    for timestep in roll(task, 1, 80):
        assert np.abs(task.spec.observation.normalise(timestep.observation["state"])).max() <= 1.0 + 1e-6


@pytest.mark.parametrize("name", ARM_TASKS)
def test_a_step_beyond_the_end_is_refused(name: str):
    task = load.build(name, {"horizon": 2})
    assert roll(task, 0, 5)[-1].last()
    with pytest.raises(RuntimeError, match="reset"):
        task.step(np.zeros(task.spec.action.size, np.float32))


def feels(name: str, shuffled: bool) -> dict[str, float]:
    """The state by name after a step, from pixels; the workpiece was moved by hand before it or was not."""
    task = load.build(name, {"observation": "pixels", "image_size": 16})
    task.reset(np.random.default_rng(0))
    if shuffled:
        task.shuffle(np.random.default_rng(1))
    state = task.step(np.zeros(task.spec.action.size, np.float32)).observation["state"]
    task.close()
    return dict(zip(task.spec.observation.names, state.tolist(), strict=True))


@pytest.mark.parametrize("name", ARM_TASKS)
def test_from_pixels_the_state_is_what_the_arm_feels_of_itself_and_nothing_of_the_workpiece(name: str):
    whole = load.build(name, {"observation": "state"}).spec
    felt = feels(name, shuffled=False)
    assert felt == pytest.approx(feels(name, shuffled=True), abs=1e-4)
    assert set(felt) < set(whole.observation.names)
    assert ("opening" in felt) == ("gripper" in whole.action.names)
    assert {"tip_velocity_x", "command_lag_x", "wrist_force_x", "previous_linear_x"} <= set(felt)
