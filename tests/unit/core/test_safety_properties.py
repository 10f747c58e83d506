"""For any sequence of inputs the output stays inside every limit, in Cartesian and in joint space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.safety import JointFilter, JointLimits, Reason, SafetyConfig, SafetyFilter
from vlmrl_ros.core.spec import VectorSpec

DT_S = 0.1
NAMES = ("linear_x", "linear_y", "linear_z", "gripper")
HIGH = np.array([0.1, 0.1, 0.2, 1.0], np.float32)
SPEC = VectorSpec(NAMES, ("m/s", "m/s", "m/s", "1"), -HIGH, HIGH)
BOX = {"workspace_low": (-0.05, -0.05, -0.05), "workspace_high": (0.05, 0.05, 0.05)}
JOINTS = ("shoulder", "elbow")
RANGE = {"position_low": (-0.3, -0.1), "position_high": (0.3, 0.2)}
TINY = 4e-6


def actions(size: int):
    good = hnp.arrays(np.float32, size, elements=st.floats(-1.0, 1.0, width=32))
    wild = hnp.arrays(np.float64, size, elements=st.floats())
    odd = st.one_of(st.none(), hnp.arrays(np.float32, st.integers(0, 6)))
    return st.one_of(good, good, wild, odd)


def shapes(size: int):
    """Limits of every kind, one number each."""
    return st.fixed_dictionaries(
        {"beyond": st.sampled_from(["clamp", "reject"])},
        optional={
            "velocity": st.lists(st.floats(0.0, 0.5), min_size=size, max_size=size).map(tuple),
            "acceleration": st.lists(st.floats(0.05, 5.0), min_size=size, max_size=size).map(tuple),
            "jerk": st.lists(st.floats(0.05, 50.0), min_size=size, max_size=size).map(tuple),
        },
    )


def histories(size: int):
    """Commands, each repeated for a while, and now and then an e-stop, its release or a restart."""
    events = st.sampled_from(["", "", "", "", "estop", "release", "restart"])
    moment = st.tuples(events, actions(size), st.sampled_from([0.0, 0.0, 1.0, float("nan")]), st.integers(1, 10))
    return st.lists(moment, max_size=12).map(
        lambda runs: [(event if k == 0 else "", a, age) for event, a, age, times in runs for k in range(times)]
    )


def tell(safety, event: str) -> bool:
    """Let an event happen; True when the arm is at rest after it."""
    if event == "estop":
        safety.estop("a test")
    elif event == "release":
        safety.release_estop()
    elif event == "restart":
        safety.restart()
    return event == "restart" or safety.estopped


class Motion:
    """What the arm does, and the check of every limit after each step."""

    def __init__(self, size: int, options: dict, high: np.ndarray) -> None:
        self.position, self.speed, self.slope = np.zeros(size), np.zeros(size), np.zeros(size)
        self._high = np.minimum(high, options.get("velocity", (np.inf,)))
        self._acceleration = np.array(options.get("acceleration", (np.inf,)))
        self._jerk = np.array(options.get("jerk", (np.inf,)))

    def rest(self) -> None:
        self.speed, self.slope = np.zeros_like(self.speed), np.zeros_like(self.slope)

    def follow(self, action: np.ndarray) -> None:
        new = action.astype(float)
        slope = (new - self.speed) / DT_S
        assert np.isfinite(new).all()
        assert (np.abs(new) <= self._high + TINY).all()
        assert (np.abs(slope) <= self._acceleration + TINY / DT_S).all()
        assert (np.abs(slope - self.slope) <= self._jerk * DT_S + 2 * TINY / DT_S).all()
        self.position, self.speed, self.slope = self.position + new * DT_S, new, slope


@settings(max_examples=150)
@given(shapes(4), histories(4))
def test_a_tip_that_follows_keeps_every_limit_whatever_comes_and_the_estop_holds_until_its_release(options, history):
    safety, arm = SafetyFilter(SPEC, DT_S, SafetyConfig(**options, **BOX)), Motion(4, options, HIGH)
    for event, values, age_s in history:
        if tell(safety, event):
            arm.rest()
        applied = safety.apply(values, age_s, arm.position[:3])
        if safety.estopped:
            assert applied.reasons == (Reason.ESTOP,)
            assert not applied.action.any()
        arm.follow(applied.action)
        assert (np.abs(arm.position[:3]) <= 0.05 + TINY).all()


def test_a_joint_that_is_slower_than_anything_that_can_be_squared_is_stopped_like_any_other():
    least = np.nextafter(0.0, 1.0)
    safety = JointFilter(JOINTS, DT_S, JointLimits(velocity=(1.0, least), jerk=(1.0, 0.5), beyond="clamp", **RANGE))
    for _ in range(3):
        applied = safety.apply(np.array([1.0, least]), np.zeros(2))
        assert (np.abs(applied.action) <= np.array([1.0, least])).all()


@settings(max_examples=150)
@given(shapes(2), histories(2))
def test_joints_that_follow_keep_every_limit_whatever_comes(options, history):
    safety, arm = JointFilter(JOINTS, DT_S, JointLimits(**options, **RANGE)), Motion(2, options, np.full(2, np.inf))
    for event, values, _ in history:
        if tell(safety, event):
            arm.rest()
        applied = safety.apply(values, arm.position)
        assert not (safety.estopped and applied.action.any())
        arm.follow(applied.action)
        assert (arm.position >= np.array(RANGE["position_low"]) - TINY).all()
        assert (arm.position <= np.array(RANGE["position_high"]) + TINY).all()


places = st.one_of(st.none(), hnp.arrays(np.float64, st.integers(0, 4), elements=st.floats()))
anywhere = hnp.arrays(np.float64, 3, elements=st.floats(-0.2, 0.2))


@given(shapes(4), st.lists(st.tuples(actions(4), st.one_of(places, anywhere)), max_size=30))
def test_wherever_the_tip_is_said_to_be_speed_keeps_its_limit_and_nothing_drives_it_further_out(options, history):
    safety = SafetyFilter(SPEC, DT_S, SafetyConfig(**options, **BOX))
    high = np.minimum(HIGH, options.get("velocity", (np.inf,)))
    for values, tip in history:
        action = safety.apply(values, 0.0, tip).action
        assert np.isfinite(action).all()
        assert (np.abs(action) <= high + TINY).all()
        if tip is not None and tip.shape == (3,) and np.isfinite(tip).all():
            outside = np.abs(tip) > 0.05
            assert (action[:3][outside] * tip[outside] <= TINY).all()


@given(st.lists(hnp.arrays(np.float32, 4, elements=st.floats(-1.0, 1.0, width=32)), max_size=30), st.floats(0.05, 5.0))
def test_no_limit_turns_a_command_round_except_while_it_brakes_what_was_there(commands, acceleration):
    safety = SafetyFilter(SPEC, DT_S, SafetyConfig(acceleration=(acceleration,), velocity=(0.07,), **BOX))
    tip, before = np.zeros(3), np.zeros(4)
    for wanted in commands:
        action = safety.apply(wanted, tip=tip).action.astype(float)
        turned = action * wanted < 0
        assert (np.abs(action[turned]) <= np.abs(before[turned]) + TINY).all()
        assert (action[turned] * before[turned] > 0).all()
        tip, before = tip + action[:3] * DT_S, action


@given(shapes(4), st.sampled_from(["silent", "nan", "size", "stale"]))
def test_a_rejected_command_brings_the_arm_to_rest(options, how):
    safety = SafetyFilter(SPEC, DT_S, SafetyConfig(**options))
    for _ in range(5):
        safety.apply(HIGH / 2)
    bad = {"silent": None, "nan": np.full(4, np.nan), "size": np.zeros(3)}.get(how, HIGH)
    for _ in range(600):
        applied = safety.apply(bad, 1.0 if how == "stale" else 0.0)
    assert not applied.action.any()


def test_a_dead_man_lets_the_arm_move_only_while_it_is_held_and_heard():
    safety = SafetyFilter(SPEC, DT_S, SafetyConfig(dead_man_button=3, dead_man_timeout_s=0.1))
    assert safety.apply(HIGH, now_s=10.0).reasons == (Reason.DEAD_MAN,)
    safety.hear_dead_man(True, 10.0)
    np.testing.assert_array_equal(safety.apply(HIGH, now_s=10.05).action, HIGH)
    assert not safety.apply(HIGH, now_s=10.11).action.any(), "it fell silent"
    safety.hear_dead_man(True, 11.0)
    safety.hear_dead_man(False, 11.01)
    assert not safety.apply(HIGH, now_s=11.02).action.any(), "it was let go"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"velocity": (1.0,) * 3}, "velocity has 3 numbers"),
        ({"position_low": (0.0,), "position_high": (0.0,)}, "low below high"),
    ],
)
def test_limits_that_do_not_fit_the_joints_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        JointFilter(JOINTS, DT_S, JointLimits(**options))


def test_joints_whose_position_is_not_known_stop():
    safety = JointFilter(JOINTS, DT_S, JointLimits(**RANGE))
    applied = safety.apply(np.ones(2))
    assert applied.reasons == (Reason.JOINTS_UNKNOWN,)
    assert not applied.action.any()
