"""What a curriculum may change of a task."""

from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError, RangeError, UnknownNameError
from vlmrl_ros.core.interfaces import ContextualTask
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim import load
from vlmrl_ros.sim.tasks.point_maze import LENGTH_M, is_free, on_path

NAMES = ("point_maze", "velocity_window", "reach", "peg_insert")


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest) -> ContextualTask:
    return load.build(request.param, {})


def idle(task: ContextualTask) -> int:
    """Steps of an episode in which nobody moves."""
    task.reset(np.random.default_rng(0))
    still, steps = np.zeros(task.spec.action.size, np.float32), 0
    while True:
        steps += 1
        if task.step(still).last():
            return steps


def first_state(task: ContextualTask, seed: int = 0) -> np.ndarray:
    return task.reset(np.random.default_rng(seed)).observation["state"]


def test_without_a_curriculum_the_context_is_the_full_task(task):
    before = first_state(task)
    task.set_context(task.spec.context.full)
    assert np.array_equal(first_state(task), before)


def test_the_spec_carries_the_context(task):
    read = TaskSpec.from_json(task.spec.to_json())
    assert read.context == task.spec.context


def test_extra_steps_come_on_top_of_the_horizon(task):
    task.set_context(task.spec.context.full, extra_steps=3)
    assert idle(task) == task.spec.horizon + 3
    task.set_context(task.spec.context.full)
    assert idle(task) == task.spec.horizon


def test_a_context_beyond_its_range_is_refused(task):
    context = task.spec.context
    for value in (context.trivial, context.full + 1.0, -context.full):
        with pytest.raises(RangeError, match=f"context {context.name} is"):
            task.set_context(value)


@pytest.mark.parametrize("name", ["reach", "peg_insert"])
def test_an_arm_starts_nearer_to_its_goal(name):
    task = load.build(name, {})
    near = {}
    for share in (1.0, 0.25):
        task.set_context(share)
        distances = []
        for seed in range(5):
            first_state(task, seed)
            distances.append(np.linalg.norm(task.tip() - task.workpiece().position))
        near[share] = np.array(distances)
    assert near[0.25] == pytest.approx(0.25 * near[1.0], abs=2e-3)


def test_a_task_without_a_context_cannot_change():
    with pytest.raises(ConfigError, match="'pick_lift' has no context"):
        load.build("pick_lift", {}).set_context(0.5)


@pytest.mark.parametrize("name", ["point_maze", "velocity_window"])
def test_the_context_is_observed(name):
    task = load.build(name, {})
    component = task.spec.observation.names.index(task.spec.context.component)
    for value in task.spec.context.stages(3):
        task.set_context(value)
        assert first_state(task)[component] == np.float32(value)


def test_the_middle_line_of_the_maze_is_free_and_as_long_as_it_says():
    points = np.array([on_path(distance) for distance in np.linspace(0, LENGTH_M, 601)])
    assert is_free(points[:, 0], points[:, 1]).all()
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).sum() == pytest.approx(LENGTH_M)


def test_the_walls_of_the_maze_hold_and_its_goal_pays_without_ending():
    task = load.build("point_maze", {})
    task.set_context(1.0)
    first_state(task)
    for _ in range(30):
        task.step(np.array([0.0, 1.0], np.float32))
    x, y = (task.scene()[name] for name in "xy")
    assert y <= 0.5
    assert is_free(x, y)
    first_state(task)
    steps = [task.step(np.array([1.0, 0.0], np.float32)) for _ in range(10)]
    assert steps[-1].reward == 1.0
    assert steps[0].reward == 0.0
    assert task.success
    assert not steps[-1].last()


def test_full_push_reaches_the_fastest_window_and_passes_through_it():
    task = load.build("velocity_window", {})
    first_state(task)
    rewards = [task.step(np.ones(1, np.float32)).reward for _ in range(task.spec.horizon)]
    assert 0 < sum(rewards) < task.spec.horizon
    assert task.scene()["velocity"] > task.spec.context.full


@pytest.mark.parametrize("name", ["point_maze", "velocity_window"])
def test_it_can_be_watched(name):
    task = load.build(name, {})
    first_state(task)
    frame = task.render("overview", 40, 60)
    assert frame.shape == (40, 60, 3)
    assert frame.dtype == np.uint8
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) >= 3
    with pytest.raises(UnknownNameError, match="overview"):
        task.render("wrist", 8, 8)


def inserted(task: ContextualTask, beside_m: float) -> bool:
    """Whether the peg goes in so far beside the middle of the hole."""
    task.reset(np.random.default_rng(0))
    target = task.workpiece().position + np.array([beside_m, 0.0, -0.03])
    while True:
        error_m = target - task.tip()
        error_m[2] *= abs(error_m[0]) < 1e-3 or task.tip()[2] < task.workpiece().position[2]
        if task.step(np.clip(10 * error_m, -0.1, 0.1).astype(np.float32)).last():
            return task.success


def test_a_peg_that_is_off_goes_into_a_wide_hole_alone_and_the_state_says_how_wide_it_is():
    options = {"context": "clearance", "start_range_mm": 0.0, "start_high_mm": 30.0, "hole_range_x_mm": 0.0}
    task = load.build("peg_insert", options)
    wide, full = task.spec.context.stages(4)[0], task.spec.context.full
    outcomes = []
    for gap_m in (wide, full, wide):
        task.set_context(gap_m)
        assert first_state(task)[task.spec.observation.names.index("clearance")] == np.float32(gap_m)
        outcomes.append([inserted(task, beside_m) for beside_m in (0.0, 0.005)])
    assert outcomes == [[True, True], [True, False], [True, True]]


@pytest.mark.parametrize("observation", ["state", "pixels", "both"])
def test_the_gap_is_a_context_of_every_kind_of_observation(observation):
    spec = load.build("peg_insert", {"context": "clearance", "observation": observation}).spec
    assert TaskSpec.from_json(spec.to_json()).context == spec.context
    assert (spec.context.full, spec.context.unit) == (0.002, "m")
