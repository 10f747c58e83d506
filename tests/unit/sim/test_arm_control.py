from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.sim.arm import HOME_RAD, JOINTS
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.kinematics import Kinematics
from vlmrl_ros.sim.robot import LEASH_M
from vlmrl_ros.sim.tasks import peg_insert, reach


def test_inverse_kinematics_is_exact_all_over_the_work_area(rng: np.random.Generator):
    model = reach.build({}).robot.model
    home = np.array(HOME_RAD)
    kinematics = Kinematics(model, model.site("arm/tip").id, home)
    data = mujoco.MjData(model)
    rotations = []
    for _ in range(50):
        target = rng.uniform([0.38, -0.25, 0.03], [0.66, 0.25, 0.40])
        data.qpos[: len(JOINTS)] = kinematics.solve(home, target, 30)
        mujoco.mj_kinematics(model, data)
        np.testing.assert_allclose(data.site("arm/tip").xpos, target, atol=1e-4)
        rotations.append(data.site("arm/tip").xmat.copy())
    np.testing.assert_allclose(rotations, np.broadcast_to(rotations[0], (50, 9)), atol=1e-4)
    assert rotations[0][8] == pytest.approx(-1.0, abs=1e-4), "the hand does not point down"


def test_the_tip_follows_the_commanded_velocity(rng: np.random.Generator):
    task = reach.build({"range_mm": 20.0})
    task.reset(rng)
    start = task.tip()
    for _ in range(10):
        task.step(np.array([0.03, -0.05, 0.02], np.float32))
    np.testing.assert_allclose(task.tip() - start, [0.03, -0.05, 0.02], atol=0.002)


def test_zero_velocity_holds_still(rng: np.random.Generator):
    task = reach.build({})
    task.reset(rng)
    start = task.tip()
    for _ in range(30):
        task.step(np.zeros(3, np.float32))
    assert np.abs(task.tip() - start).max() < 1e-4


def test_no_force_is_felt_in_free_air(rng: np.random.Generator):
    task = reach.build({})
    task.reset(rng)
    for _ in range(10):
        task.step(np.zeros(3, np.float32))
    assert task.scene()["force"] < 0.2


def test_a_blocked_tip_is_pushed_no_harder_than_its_leash_allows(rng: np.random.Generator):
    task = peg_insert.build({"horizon": 200, "start_range_mm": 0.0, "start_low_mm": 5.0, "start_high_mm": 6.0})
    task.reset(rng)
    for _ in range(5):
        task.step(np.array([0.1, 0.0, 0.0], np.float32))
    for _ in range(30):
        timestep = task.step(np.array([0.0, 0.0, -0.1], np.float32))
    state = dict(zip(task.spec.observation.names, timestep.observation["state"], strict=True))
    assert state["command_lag_z"] == pytest.approx(-LEASH_M, abs=1e-4)
    assert state["wrist_force_z"] == pytest.approx(20.0), "the push back is up, and saturates"
    assert 20.0 < task.scene()["force"] < 90.0


def test_the_control_rate_sets_the_length_of_a_step(rng: np.random.Generator):
    task = reach.build({"rate_hz": 20.0})
    task.reset(rng)
    before = task.robot.data.time
    task.step(np.zeros(3, np.float32))
    assert task.spec.control_dt_s == pytest.approx(0.05)
    assert task.robot.data.time - before == pytest.approx(0.05)
