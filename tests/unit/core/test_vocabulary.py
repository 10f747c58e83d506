from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.vocabulary import MovesConfig, moves

STATE = np.zeros(1, np.float32)


def spec_of(*names: str, dt_s: float = 0.1) -> TaskSpec:
    high = np.array([1.0 if name == "gripper" else 0.1 for name in names], np.float32)
    action = VectorSpec(names, ("1",) * len(names), -high, high)
    state = VectorSpec(("x",), ("1",), np.array([-1], np.float32), np.array([1], np.float32))
    return TaskSpec("toy", state, action, (), dt_s, 10)


ARM = spec_of("linear_x", "linear_y", "linear_z", "gripper")


def actions(word: str, spec: TaskSpec = ARM, config: MovesConfig | None = None) -> np.ndarray:
    drive, given = moves(spec, config)[word].begin(), []
    while (action := drive(STATE)) is not None:
        given.append(action)
    return np.array(given)


@pytest.mark.parametrize(
    ("word", "axis", "way_m"),
    [
        ("move forward", 0, 0.04),
        ("move back", 0, -0.04),
        ("move left a little", 1, 0.01),
        ("move right", 1, -0.04),
        ("move up a little", 2, 0.01),
        ("move down a little", 2, -0.01),
    ],
)
@pytest.mark.parametrize("dt_s", [0.1, 0.05])
def test_a_move_goes_its_way_and_no_other(word: str, axis: int, way_m: float, dt_s: float):
    spec = spec_of(*ARM.action.names, dt_s=dt_s)
    given = actions(word, spec)
    expected = np.zeros(4)
    expected[axis] = way_m
    np.testing.assert_allclose(given.sum(0) * dt_s, expected, atol=1e-7)
    assert (np.abs(given) <= spec.action.high + 1e-7).all()


def test_a_way_that_is_no_whole_number_of_steps_is_gone_more_slowly():
    given = actions("move left", config=MovesConfig(coarse_mm=25.0))
    assert given.shape == (3, 4)
    assert given[0, 1] == pytest.approx(0.025 / 0.3)


def test_the_gripper_opens_and_closes_at_full_speed():
    assert actions("open gripper").tolist() == [[0, 0, 0, 1]] * 5
    assert actions("close gripper").tolist() == [[0, 0, 0, -1]] * 5


def test_waiting_is_one_step_in_which_nothing_moves():
    assert actions("wait").tolist() == [[0, 0, 0, 0]]


def test_a_word_can_be_carried_out_again():
    word = moves(ARM)["move up a little"]
    first, second = word.begin(), word.begin()
    assert first(STATE) is not None
    assert first(STATE) is None
    assert second(STATE) is not None


def test_there_are_words_for_what_the_task_can_do_and_no_others():
    assert set(moves(spec_of("linear_z"))) == {
        "move up",
        "move up a little",
        "move down",
        "move down a little",
        "wait",
    }


def test_a_task_without_known_components_is_refused():
    with pytest.raises(ConfigError, match="torque; words exist for linear_x"):
        moves(spec_of("torque"))
