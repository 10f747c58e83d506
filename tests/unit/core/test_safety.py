from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.safety import Reason, SafetyConfig, SafetyFilter
from vlmrl_ros.core.spec import VectorSpec

DT_S = 0.1
NAMES = ("linear_x", "linear_y", "linear_z", "gripper")
LOW = np.array([-0.1, -0.1, -0.2, 0.0], np.float32)
HIGH = np.array([0.1, 0.1, 0.2, 1.0], np.float32)
SPEC = VectorSpec(NAMES, ("m/s", "m/s", "m/s", "1"), LOW, HIGH)
BOX = {"workspace_low": (-0.05, -0.05, 0.0), "workspace_high": (0.05, 0.05, 0.1)}
CENTRE = np.array([0.0, 0.0, 0.05])
TINY = 1e-6


def filter_of(**options) -> SafetyFilter:
    return SafetyFilter(SPEC, DT_S, SafetyConfig(**options))


def command(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


good = hnp.arrays(np.float32, 4, elements=st.floats(-1.0, 1.0, width=32))
wild = hnp.arrays(np.float32, 4, elements=st.floats(width=32))
odd = st.one_of(st.none(), hnp.arrays(np.float32, st.integers(0, 6)))
anything = st.one_of(good, good, wild, odd)


@given(good)
def test_by_default_a_command_within_the_bounds_passes_unchanged(values):
    within = np.clip(values, LOW, HIGH)
    applied = filter_of().apply(within)
    np.testing.assert_array_equal(applied.action, within)
    assert applied.reasons == ()


@given(anything, st.sampled_from([0.0, 0.2, 0.3, float("nan")]))
def test_whatever_comes_the_result_is_finite_and_within_the_bounds(values, age_s):
    applied = filter_of().apply(values, age_s)
    assert applied.action.shape == (4,)
    assert applied.action.dtype == np.float32
    assert ((applied.action >= LOW) & (applied.action <= HIGH)).all()


@pytest.mark.parametrize(
    ("values", "age_s", "reason"),
    [
        (None, 0.0, Reason.SILENT),
        (command(0.1, 0.0, 0.0, 0.5), 0.26, Reason.STALE),
        (command(0.1, 0.0, 0.0), 0.0, Reason.DIMENSION),
        (command(0.1, np.nan, 0.0, 0.5), 0.0, Reason.NON_FINITE),
        (command(0.1, np.inf, 0.0, 0.5), 0.0, Reason.NON_FINITE),
    ],
)
def test_a_command_that_cannot_be_trusted_becomes_zero_with_its_reason(values, age_s, reason):
    safety = filter_of()
    applied = safety.apply(values, age_s)
    np.testing.assert_array_equal(applied.action, np.zeros(4))
    assert applied.reasons == (reason,)
    assert safety.counts == {reason: 1}


def test_beyond_the_velocity_limit_a_command_is_clamped_and_explained():
    safety = filter_of(velocity=(0.05, 0.05, 0.05, 1.0))
    applied = safety.apply(command(0.2, -0.2, 0.01, 0.5))
    np.testing.assert_allclose(applied.action, [0.05, -0.05, 0.01, 0.5], rtol=TINY)
    assert applied.reasons == (Reason.VELOCITY,)
    assert "velocity: asked for [ 0.2" in safety.explain()
    assert "linear_x 0.05 m/s" in safety.explain()


def test_with_reject_a_command_beyond_the_limit_stops_the_arm():
    applied = filter_of(beyond="reject").apply(command(0.2, 0.0, 0.0, 0.5))
    np.testing.assert_array_equal(applied.action, np.zeros(4))
    assert applied.reasons == (Reason.VELOCITY,)


def test_with_reject_a_command_that_leaves_the_box_stops_the_arm():
    safety = filter_of(beyond="reject", **BOX)
    assert safety.apply(command(0.1, 0.0, 0.0, 0.5), tip=CENTRE).reasons == ()
    applied = safety.apply(command(0.1, 0.02, 0.0, 0.5), tip=CENTRE + np.array([0.045, 0, 0]))
    np.testing.assert_array_equal(applied.action, np.zeros(4))
    assert applied.reasons == (Reason.WORKSPACE,)


@pytest.mark.parametrize("tip", [None, np.array([0.0, np.nan, 0.0]), np.zeros(2)])
def test_a_box_without_a_tip_position_stops_the_arm(tip):
    applied = filter_of(**BOX).apply(command(0.1, 0.0, 0.0, 0.5), tip=tip)
    np.testing.assert_array_equal(applied.action, np.zeros(4))
    assert applied.reasons == (Reason.TIP_UNKNOWN,)


def test_outside_the_box_only_the_way_back_is_open():
    safety = filter_of(**BOX)
    outside = CENTRE + np.array([0.02, 0, 0.2])
    np.testing.assert_array_equal(safety.apply(command(0.0, 0.0, 0.1, 0.0), tip=outside).action, np.zeros(4))
    np.testing.assert_array_equal(
        safety.apply(command(0.0, 0.0, -0.1, 0.0), tip=outside).action, command(0, 0, -0.1, 0)
    )


def test_the_estop_is_immediate_latched_and_lifted_only_by_hand():
    safety = filter_of(acceleration=(0.1,))
    for _ in range(20):
        moving = safety.apply(command(0.1, 0.0, 0.0, 0.0))
    assert moving.action[0] == np.float32(0.1)
    safety.estop("red button")
    for _ in range(3):
        stopped = safety.apply(command(0.1, 0.0, 0.0, 0.0))
        np.testing.assert_array_equal(stopped.action, np.zeros(4))
        assert stopped.reasons == (Reason.ESTOP,)
    assert "red button" in safety.explain()
    safety.restart()
    np.testing.assert_array_equal(safety.apply(command(0.1, 0.0, 0.0, 0.0)).action, np.zeros(4))
    safety.release_estop()
    np.testing.assert_allclose(safety.apply(command(0.1, 0.0, 0.0, 0.0)).action, [0.01, 0, 0, 0], rtol=1e-5)


def test_a_silent_source_brings_the_arm_to_rest_within_its_acceleration():
    safety = filter_of(acceleration=(0.25,))
    for _ in range(10):
        safety.apply(command(0.1, 0.0, 0.0, 0.0))
    speeds = [safety.apply(None).action[0] for _ in range(5)]
    np.testing.assert_allclose(speeds, [0.075, 0.05, 0.025, 0.0, 0.0], atol=TINY)


def test_a_jerk_limited_arm_reaches_its_goal_and_rests_without_passing_either():
    safety = filter_of(acceleration=(1.0,), jerk=(1.0,))
    rise = [float(safety.apply(command(0.1, 0.0, 0.0, 0.0)).action[0]) for _ in range(30)]
    fall = [float(safety.apply(None).action[0]) for _ in range(30)]
    assert rise == sorted(rise)
    assert rise[-1] == pytest.approx(0.1)
    assert fall == sorted(fall, reverse=True)
    assert fall[-1] == 0.0
    assert min(fall) >= 0.0


def test_a_restart_forgets_the_motion_and_keeps_the_counts():
    safety = filter_of(acceleration=(0.4,))
    safety.apply(command(0.1, 0.0, 0.0, 0.0))
    safety.apply(command(0.1, 0.0, 0.0, 0.0))
    safety.restart()
    assert safety.apply(command(0.1, 0.0, 0.0, 0.0)).action[0] == pytest.approx(0.04)
    assert safety.counts == {Reason.ACCELERATION: 3}


limits = st.fixed_dictionaries(
    {},
    optional={
        "beyond": st.sampled_from(["clamp", "reject"]),
        "velocity": st.lists(st.floats(0.0, 0.5), min_size=4, max_size=4).map(tuple),
        "acceleration": st.lists(st.floats(0.05, 5.0), min_size=4, max_size=4).map(tuple),
        "jerk": st.lists(st.floats(0.05, 50.0), min_size=4, max_size=4).map(tuple),
    },
)
moments = st.tuples(anything, st.sampled_from([0.0, 0.0, 0.0, 1.0]), st.integers(1, 12))
history = st.lists(moments, max_size=12).map(
    lambda runs: [(values, age) for values, age, times in runs for _ in range(times)]
)


@settings(max_examples=200)
@given(limits, history)
def test_for_any_history_speed_acceleration_and_jerk_stay_within_their_limits(options, commands):
    safety = filter_of(**options)
    velocity = options.get("velocity", (np.inf,))
    high, low = np.minimum(HIGH, velocity), np.maximum(LOW, np.negative(velocity))
    speed, slope = np.zeros(4), np.zeros(4)
    for values, age_s in commands:
        new = safety.apply(values, age_s).action.astype(float)
        new_slope = (new - speed) / DT_S
        assert (new <= high + TINY).all()
        assert (new >= low - TINY).all()
        assert (np.abs(new_slope) <= np.array(options.get("acceleration", (np.inf,))) + TINY / DT_S).all()
        assert (np.abs(new_slope - slope) <= np.array(options.get("jerk", (np.inf,))) * DT_S + 2 * TINY / DT_S).all()
        speed, slope = new, new_slope


@settings(max_examples=200)
@given(limits, history)
def test_for_any_history_an_arm_that_follows_stays_in_its_box_and_within_its_acceleration(options, commands):
    safety = filter_of(**options, **BOX)
    tip, speed = CENTRE.copy(), np.zeros(4)
    for values, age_s in commands:
        new = safety.apply(values, age_s, tip).action.astype(float)
        tip = tip + new[:3] * DT_S
        assert (tip >= np.array(BOX["workspace_low"]) - TINY).all()
        assert (tip <= np.array(BOX["workspace_high"]) + TINY).all()
        acceleration = np.array(options.get("acceleration", (np.inf,)))
        assert (np.abs(new - speed) <= acceleration * DT_S + TINY).all()
        speed = new


@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_an_arm_driven_at_a_wall_brakes_in_time_and_comes_to_rest_at_it(direction):
    safety = filter_of(acceleration=(0.15,), **BOX)
    tip, speeds = CENTRE.copy(), [0.0]
    for _ in range(60):
        speeds.append(float(safety.apply(command(0.1 * direction, 0.0, 0.0, 0.0), tip=tip).action[0]))
        tip[0] += speeds[-1] * DT_S
    assert np.abs(np.diff(speeds)).max() <= 0.15 * DT_S + TINY
    assert tip[0] == pytest.approx(0.05 * direction, abs=1e-4)


def test_an_arm_held_at_a_wall_leaves_it_at_the_first_command():
    safety = filter_of(acceleration=(1.0,), jerk=(1.0,), **BOX)
    tip = CENTRE.copy()
    for _ in range(60):
        tip[0] += safety.apply(command(0.1, 0.0, 0.0, 0.0), tip=tip).action[0] * DT_S
    assert safety.apply(command(-0.1, 0.0, 0.0, 0.0), tip=tip).action[0] < 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"velocity": (0.1, 0.1)}, "velocity has 2 numbers; valid: none, one, or one for each of"),
        ({"workspace_low": (0.0, 0.0, 0.0)}, "valid: x y z each"),
        ({"workspace_low": (0.1,) * 3, "workspace_high": (0.0,) * 3}, "low below high"),
    ],
)
def test_limits_that_do_not_fit_the_task_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        filter_of(**options)


def test_a_box_needs_a_task_that_moves_the_tip():
    spec = VectorSpec(("action_0",), ("1",), command(-1), command(1))
    with pytest.raises(ConfigError, match="linear_x"):
        SafetyFilter(spec, DT_S, SafetyConfig(**BOX))


def test_zero_is_allowed_even_where_the_bounds_exclude_it():
    spec = VectorSpec(("throttle",), ("1",), command(0.2), command(1.0))
    assert SafetyFilter(spec, DT_S).apply(None).action[0] == 0.0
