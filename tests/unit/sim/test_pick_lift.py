from __future__ import annotations

import numpy as np

from tests.unit.sim.conftest import drive
from vlmrl_ros.sim.operators import pick_lift as operators
from vlmrl_ros.sim.tasks import pick_lift

STEADY = {"bias_x_mm": 0.0, "bias_y_mm": 0.0, "aim_noise_mm": 0.0, "action_noise": 0.0}


def test_a_perfect_controller_succeeds_always():
    task = pick_lift.build({})
    operator = operators.build(task.spec, STEADY)
    assert np.mean([drive(task, operator, seed)[-1].success for seed in range(40)]) >= 0.98


def test_a_hand_beside_the_cube_lifts_nothing():
    task = pick_lift.build({})
    operator = operators.build(task.spec, {**STEADY, "bias_x_mm": 45.0})
    glances = drive(task, operator, 0)
    assert not glances[-1].success
    assert max(glance.scene["height"] for glance in glances) < 0.002


def test_an_idle_gripper_keeps_its_opening(rng: np.random.Generator):
    task = pick_lift.build({})
    task.reset(rng)
    start = task.scene()["opening"]
    for _ in range(20):
        task.step(np.zeros(4, np.float32))
    assert abs(task.scene()["opening"] - start) < 0.001


def test_negative_gripper_closes_and_positive_opens(rng: np.random.Generator):
    task = pick_lift.build({})
    task.reset(rng)
    openings = []
    for gripper in (-1.0, -1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        task.step(np.array([0, 0, 0, gripper], np.float32))
        openings.append(task.scene()["opening"])
    assert openings[4] < 0.005
    assert openings[9] > 0.06
