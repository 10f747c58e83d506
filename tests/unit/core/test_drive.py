from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlmrl_ros.core.drive import Drive
from vlmrl_ros.core.spec import VectorSpec

BOUND = np.full(3, 0.1, np.float32)
ACTION = VectorSpec(("linear_x", "linear_y", "linear_z"), ("m/s",) * 3, -BOUND, BOUND)
HERE = np.array([0.5, 0.0, 0.2])
DT_S = 0.02
LEASH_M = 0.01


def driven(*action: float, box=((), ())) -> Drive:
    drive = Drive(ACTION, LEASH_M, box)
    drive.anchor(HERE)
    drive.hold(np.array(action, np.float32))
    return drive


def test_an_arm_that_follows_is_led_at_the_speed_that_was_let_through():
    drive, tip = driven(0.1, 0.0, -0.05), HERE
    for _ in range(50):
        motion = drive.advance(tip, DT_S)
        tip = motion.position
    np.testing.assert_allclose(motion.twist[:3], [0.1, 0.0, -0.05], rtol=1e-6)
    np.testing.assert_allclose(tip - HERE, [0.1, 0.0, -0.05], rtol=1e-6)


def test_a_blocked_arm_is_not_pushed_beyond_its_leash():
    drive = driven(0.1, 0.0, 0.0)
    for _ in range(100):
        motion = drive.advance(HERE, DT_S)
    np.testing.assert_allclose(motion.position - HERE, [LEASH_M, 0.0, 0.0], atol=1e-9)


def test_a_halt_is_exactly_zero_at_once():
    drive = driven(0.1, 0.1, 0.1)
    drive.advance(HERE, DT_S)
    drive.halt()
    motion = drive.advance(HERE, DT_S)
    assert motion.still
    assert not motion.twist.any()


actions = hnp.arrays(np.float32, 3, elements=st.floats(-0.125, 0.125, width=32))
slips = hnp.arrays(np.float64, 3, elements=st.floats(-0.05, 0.05))


@given(st.lists(st.tuples(actions, slips), max_size=30))
def test_wherever_the_tip_is_it_only_takes_away_from_what_was_let_through_and_keeps_the_leash(history):
    drive = driven(0.0, 0.0, 0.0, box=((0.45, -0.05, 0.15), (0.55, 0.05, 0.25)))
    for action, slip in history:
        drive.hold(action)
        motion = drive.advance(HERE + slip, DT_S)
        assert (np.abs(motion.twist[:3]) <= np.abs(action) + 1e-9).all()
        assert (motion.twist[:3] * action >= 0.0).all(), "never the other way"
        assert (np.abs(motion.position - (HERE + slip)) <= LEASH_M + 1e-9).all()
