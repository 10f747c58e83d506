from __future__ import annotations

import numpy as np
import pytest

from tests.unit.sim.conftest import drive
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.sim.operators import peg_insert as operators
from vlmrl_ros.sim.tasks import peg_insert

STEADY = {"bias_x_mm": 0.0, "bias_y_mm": 0.0, "aim_noise_mm": 0.0, "action_noise": 0.0}


def seen(task: peg_insert.PegInsert, state: np.ndarray) -> dict[str, float]:
    return dict(zip(task.spec.observation.names, state.tolist(), strict=True))


def test_a_perfect_controller_succeeds_always():
    task = peg_insert.build({})
    operator = operators.build(task.spec, STEADY)
    results = [drive(task, operator, seed)[-1].success for seed in range(50)]
    assert np.mean(results) >= 0.98


@pytest.mark.parametrize("aim", [{"bias_y_mm": 6.0}, {"bias_y_mm": -6.0}, {"bias_x_mm": 6.0}])
def test_the_peg_cannot_enter_beside_the_hole(aim: dict[str, float]):
    task = peg_insert.build({})
    operator = operators.build(task.spec, {**STEADY, **aim})
    for seed in range(5):
        glances = drive(task, operator, seed)
        assert not glances[-1].success
        assert min(glance.scene["tip_z"] for glance in glances) > -0.002


def test_a_wide_clearance_forgives_a_wrong_aim():
    aim = {**STEADY, "bias_x_mm": 5.0}
    wide, narrow = peg_insert.build({"clearance_mm": 6.0}), peg_insert.build({"clearance_mm": 1.0})
    assert all(drive(wide, operators.build(wide.spec, aim), seed)[-1].success for seed in range(5))
    assert not any(drive(narrow, operators.build(narrow.spec, aim), seed)[-1].success for seed in range(5))


@pytest.mark.parametrize("after", [0, 8])
def test_an_episode_goes_on_after_success_and_is_truncated(after: int, rng: np.random.Generator):
    task = peg_insert.build({"post_success_steps": after})
    operator = operators.build(task.spec, STEADY)
    timestep = task.reset(rng)
    operator.reset(rng, demonstrate=True)
    rewards = []
    while not timestep.last():
        scene = task.scene()
        timestep = task.step(operator.wish(scene, np.zeros(3)).astype(np.float32))
        rewards.append(timestep.reward)
    assert task.success
    assert rewards[-after - 1 :] == [1.0] * (after + 1)
    assert not any(rewards[: -after - 1])
    assert timestep.discount == 1.0


def test_the_estimate_errs_by_no_more_than_its_bound(rng: np.random.Generator):
    task = peg_insert.build({"estimate_error_mm": 2.0})
    errors = []
    for _ in range(200):
        state = seen(task, task.reset(rng).observation["state"])
        scene = task.scene()
        errors.append([state["hole_x"] + scene["tip_x"], state["hole_y"] + scene["tip_y"]])
        assert state["hole_z"] == pytest.approx(-scene["tip_z"], abs=1e-6)
    assert 0.0015 < np.abs(errors).max() <= 0.002 + 1e-6
    assert np.abs(np.mean(errors, axis=0)).max() < 0.0003


def test_the_fine_offset_saturates_where_the_coarse_one_goes_on(rng: np.random.Generator):
    task = peg_insert.build({})
    for _ in range(20):
        state = seen(task, task.reset(rng).observation["state"])
        assert state["hole_fine_x"] == pytest.approx(np.clip(state["hole_x"], -0.005, 0.005), abs=1e-6)
        assert state["hole_fine_z"] == pytest.approx(-0.010), "the start is far above the rim"


def test_the_previous_action_is_the_one_that_was_executed(rng: np.random.Generator):
    task = peg_insert.build({})
    task.reset(rng)
    state = seen(task, task.step(np.array([0.05, -0.9, 0.0], np.float32)).observation["state"])
    assert state["previous_linear_x"] == pytest.approx(0.05)
    assert state["previous_linear_y"] == pytest.approx(-0.1), "clipped to the bounds"


def test_pixels_hide_the_hole_from_the_state():
    task = peg_insert.build({"observation": "pixels", "cameras": ["wrist"], "image_size": 32})
    assert not [name for name in task.spec.observation.names if name.startswith("hole")]
    assert [(camera.name, camera.height, camera.width) for camera in task.spec.cameras] == [("wrist", 32, 32)]


def test_a_clearance_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"clearance_mm is -1; valid: 0\.2 to 10 mm"):
        peg_insert.build({"clearance_mm": -1.0})
