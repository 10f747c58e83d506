from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import PendulumEnv
from gymnasium.envs.registration import EnvSpec

from vlmrl_ros.core.errors import ConfigError, RenderError, UnknownNameError
from vlmrl_ros.sim import load
from vlmrl_ros.sim.adapters.flat import Flattener, flatten
from vlmrl_ros.sim.viewer import Viewer


def test_a_goal_environment_joins_its_parts_in_one_vector(rng: np.random.Generator):
    task = load.build("gym:FetchReach-v4", {})
    assert task.spec.observation.size == 16
    assert "desired_goal_2" in task.spec.observation.names
    assert (task.spec.horizon, task.spec.control_dt_s, task.spec.action.size) == (50, pytest.approx(0.04), 4)
    assert task.joints()
    task.close()


def test_success_is_what_the_environment_says():
    task = load.build("gym:FetchReach-v4", {})
    timestep = task.reset(np.random.default_rng(0))
    names = task.spec.observation.names
    goal, at = names.index("desired_goal_0"), names.index("achieved_goal_0")
    while not timestep.last():
        state = timestep.observation["state"]
        towards = np.clip(10 * (state[goal : goal + 3] - state[at : at + 3]), -1, 1)
        timestep = task.step(np.array([*towards, 0], np.float32))
    assert task.success
    assert timestep.discount == 1.0
    task.reset(np.random.default_rng(1))
    assert not task.success
    task.close()


def test_a_panda_of_gym_hil_runs_and_can_be_seen(rng: np.random.Generator):
    task = load.build("gym:gym_hil/PandaPickCubeBase-v0", {})
    state = task.reset(rng).observation["state"]
    for _ in range(3):
        after = task.step(np.array([1, 0, 0, 0, 0, 0, 0], np.float32)).observation["state"]
    assert np.abs(after - state).max() > 1e-3
    frame = task.render("front", 60, 80)
    assert frame.shape == (60, 80, 3)
    assert frame.std() > 5
    task.close()


def test_an_arm_of_dm_control_runs_and_can_be_seen():
    task = load.build("dm:reach_site_features", {"observation": "both", "image_size": 48})
    first = task.reset(np.random.default_rng(0))
    assert first.observation["front"].shape == (48, 48, 3)
    assert first.observation["front"].std() > 5
    assert task.spec.action.names[0] == "jaco_arm/joint_1"
    assert (task.spec.horizon, task.spec.control_dt_s) == (250, pytest.approx(0.04))
    moved = [task.step(task.spec.action.high).observation["state"] for _ in range(3)]
    again = task.reset(np.random.default_rng(0))
    np.testing.assert_array_equal(again.observation["state"], first.observation["state"])
    assert np.abs(moved[-1] - first.observation["state"]).max() > 1e-2
    task.close()


def test_a_termination_stays_a_termination(rng: np.random.Generator):
    task = load.build("gym:Hopper-v5", {})
    timestep = task.reset(rng)
    while not timestep.last():
        timestep = task.step(task.spec.action.high)
    assert timestep.discount == 0.0
    task.close()


def test_a_pen_that_falls_ends_the_episode_where_it_is_asked_to(rng: np.random.Generator):
    lengths = {}
    for failure_reward in (-math.inf, -3.0):
        task = load.build("gym:AdroitHandPen-v1", {"failure_reward": failure_reward})
        timestep, steps, fidgety = task.reset(np.random.default_rng(0)), 0, np.random.default_rng(1)
        while not timestep.last():
            action = fidgety.uniform(task.spec.action.low, task.spec.action.high)
            timestep, steps = task.step(action.astype(np.float32)), steps + 1
        lengths[failure_reward] = (steps == task.spec.horizon, timestep.discount, timestep.reward < -3.0)
        task.close()
    assert lengths == {-math.inf: (True, 1.0, True), -3.0: (False, 0.0, True)}


class Slips(PendulumEnv):
    """There after the first and the third step, and not after the second."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.steps = 0
        return super().reset(seed=seed, options=options)

    def step(self, u: Any) -> Any:
        self.steps += 1
        return (*super().step(u)[:4], {"success": self.steps != 2})


@pytest.mark.parametrize(("steps", "said"), [(1, [True] * 3), (2, [False, False, True])])
def test_an_episode_has_succeeded_with_so_many_of_its_steps(
    steps, said, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
):
    by_a_class = EnvSpec("Slips-v0", entry_point=Slips, max_episode_steps=3)
    monkeypatch.setitem(gymnasium.registry, "Slips-v0", by_a_class)
    task = load.build("gym:Slips-v0", {"success_steps": steps})
    task.reset(rng)
    found = []
    for _ in range(3):
        task.step(np.zeros(1, np.float32))
        found.append(task.success)
    assert found == said
    task.close()


def test_a_shorter_horizon_truncates(rng: np.random.Generator):
    for name in ("gym:Pendulum-v1", "dm:cartpole-swingup"):
        task = load.build(name, {"horizon": 7})
        timestep, steps = task.reset(rng), 0
        while not timestep.last():
            timestep, steps = task.step(np.zeros(task.spec.action.size, np.float32)), steps + 1
        assert (steps, task.spec.horizon, timestep.discount) == (7, 7, 1.0)
        task.close()


def test_discrete_actions_are_refused_clearly():
    with pytest.raises(ConfigError, match="Discrete action space; supported: Box"):
        load.build("gym:CartPole-v1", {})


def test_an_unknown_gymnasium_id_shows_the_closest():
    with pytest.raises(ConfigError, match=r"unknown Gymnasium environment 'FetchReach-v99'; near it: .*FetchReach-v4"):
        load.build("gym:FetchReach-v99", {})
    with pytest.raises(ConfigError, match=r"near it: (?!.*(Taxi|FetchReach-v1\b))"):
        load.build("gym:Taxi-v9", {})


def test_an_unknown_dm_control_name_lists_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"cartpole-swingup.*reach_site_features"):
        load.build("dm:reach_nowhere", {})


def test_an_unknown_task_lists_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"unknown task 'peg_inset'; valid: peg_insert, .*pick_lift, .*reach"):
        load.build("peg_inset", {})


def test_the_viewer_refuses_foreign_tasks():
    with pytest.raises(RenderError, match="arm tasks only"):
        Viewer(load.build("gym:Pendulum-v1", {}))


def test_images_of_a_nested_observation_become_cameras():
    image = np.zeros((4, 6, 3), np.uint8)
    parts = {"pixels.front": (image, image + 255), "arm": (np.full(2, -1.0), np.full(2, 1e30))}
    flattener = Flattener(parts)
    assert [(c.name, c.height, c.width) for c in flattener.cameras] == [("front", 4, 6)]
    assert flattener.spec.names == ("arm_0", "arm_1")
    assert np.isinf(flattener.spec.high).all(), "a bound that stands for infinity would squash the value"
    observation = flattener.observation(dict(flatten({"pixels": {"front": image + 7}, "arm": np.ones(2)})))
    assert observation["front"].max() == 7
    assert observation["state"].tolist() == [1.0, 1.0]


def test_an_observation_of_images_alone_is_refused():
    image = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ConfigError, match="pixels"):
        Flattener({"pixels": (image, image + 255)})
