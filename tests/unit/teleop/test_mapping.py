from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlmrl_ros.core.errors import DeviceError, NonFiniteError, ShapeError
from vlmrl_ros.core.interfaces import Intent, JoyState
from vlmrl_ros.core.spec import VectorSpec
from vlmrl_ros.core.types import Mark
from vlmrl_ros.teleop.mapping import JoyMapping, load_profile
from vlmrl_ros.teleop.profile import parse_profile, profile_names


def spec(**bounds: tuple[float, float]) -> VectorSpec:
    low, high = zip(*bounds.values(), strict=True)
    return VectorSpec(tuple(bounds), ("1",) * len(bounds), np.array(low, np.float32), np.array(high, np.float32))


ARM = spec(
    linear_x=(-0.1, 0.1), linear_y=(-0.1, 0.1), linear_z=(-0.05, 0.05), angular_z=(-0.5, 0.5), gripper=(-1.0, 1.0)
)
PLANE = spec(linear_x=(-0.1, 0.1), linear_y=(-0.1, 0.1))


def joy(axes=(), buttons=()) -> JoyState:
    """A pad of 8 axes and 11 buttons; the rest of both at rest."""
    return JoyState(
        np.array([*axes, *[0.0] * (8 - len(axes))], np.float32),
        np.array([*buttons, *[0] * (11 - len(buttons))], np.int32),
    )


def mapping(action=PLANE, **change) -> JoyMapping:
    content = {"takeover_button": 0, "axes": {"linear_x": {"axis": 1}, "linear_y": {"axis": 0}}, **change}
    return JoyMapping(parse_profile("pad", content), action)


def test_full_deflection_is_the_bound_of_the_component():
    human = JoyMapping(load_profile("xbox"), ARM).read(joy([1, 1, 0, -1, -1], [0, 0, 0, 1]))
    np.testing.assert_allclose(human.action, [0.1, 0.1, -0.05, -0.5, 1.0], rtol=1e-6)


def test_the_takeover_is_its_button_and_a_stick_alone_is_none():
    xbox = JoyMapping(load_profile("xbox"), ARM)
    assert not xbox.read(joy([1.0, 1.0])).takeover
    assert xbox.read(joy([], [0, 0, 0, 0, 0, 1])).takeover


def test_the_dead_zone_is_still_and_the_way_out_of_it_continuous():
    stick = mapping(dead_zone=0.2)
    speeds = [float(stick.read(joy([0.0, x])).action[0]) for x in (0.0, 0.2, 0.2001, 0.6, 1.0)]
    np.testing.assert_allclose(speeds, [0.0, 0.0, 0.0000125, 0.05, 0.1], rtol=1e-3, atol=1e-9)


def test_a_radial_dead_zone_keeps_the_direction_of_the_stick():
    stick = mapping(dead_zone=0.2, dead_zone_shape="radial")
    assert not stick.read(joy([0.14, 0.14])).action.any()
    gentle = stick.read(joy([0.1, 0.5])).action
    assert gentle[1] / gentle[0] == pytest.approx(0.2, rel=1e-5)
    assert np.linalg.norm(gentle) == pytest.approx(0.1 * (np.hypot(0.1, 0.5) - 0.2) / 0.8, rel=1e-5)


def test_a_scale_slows_and_its_sign_inverts():
    stick = mapping(axes={"linear_x": {"axis": 1, "scale": -0.5}, "linear_y": {"axis": 0}})
    np.testing.assert_allclose(stick.read(joy([0.0, 1.0])).action, [-0.05, 0.0], rtol=1e-6)


def test_the_frame_turns_the_stick_to_where_the_person_looks():
    stick = mapping(frame_deg=90.0)
    np.testing.assert_allclose(stick.read(joy([0.0, 1.0])).action, [0.0, 0.1], atol=1e-8)
    np.testing.assert_allclose(stick.read(joy([1.0, 0.0])).action, [-0.1, 0.0], atol=1e-8)


def test_an_axis_beyond_its_range_gives_no_more_than_full_deflection():
    stick = mapping(axes={"linear_x": {"axis": 1, "scale": 0.5}, "linear_y": {"axis": 0}})
    np.testing.assert_allclose(stick.read(joy([-3.0, 1.5])).action, [0.05, -0.1], rtol=1e-6)


def test_components_without_an_axis_are_zero():
    action = spec(linear_x=(-0.1, 0.1), angular_x=(-1.0, 1.0), angular_y=(-1.0, 1.0))
    human = JoyMapping(load_profile("xbox"), action).read(joy([1.0] * 8))
    np.testing.assert_allclose(human.action, [0.1, 0.0, 0.0], rtol=1e-6)


def test_unknown_components_take_the_bindings_in_order():
    action = spec(action_0=(-1.0, 1.0), action_1=(-2.0, 2.0), linear_y=(-0.1, 0.1))
    human = JoyMapping(load_profile("xbox"), action).read(joy([1.0, 0.5, 0.0, 0.0, 0.25]))
    eased = [(0.5 - 0.1) / 0.9, 2.0 * (0.25 - 0.1) / 0.9]
    np.testing.assert_allclose(human.action, [*eased, 0.1], rtol=1e-6)


def test_the_scripted_profile_gives_axis_i_to_component_i():
    action = spec(**{f"action_{i}": (-2.0, 2.0) for i in range(24)})
    values = np.linspace(-1, 1, 24, dtype=np.float32)
    human = JoyMapping(load_profile("scripted"), action).read(JoyState(values, np.zeros(6, np.int32)))
    np.testing.assert_array_equal(human.action, 2 * values)


def test_no_deflection_is_no_motion_even_where_the_range_is_lopsided():
    action = spec(linear_x=(-0.1, 0.3), linear_y=(0.2, 1.0), gripper=(0.0, np.inf))
    content = {"takeover_button": 0, "axes": {name: {"axis": i} for i, name in enumerate(action.names)}}
    stick = JoyMapping(parse_profile("pad", content), action)
    np.testing.assert_allclose(stick.read(joy()).action, [0.0, 0.2, 0.0])
    np.testing.assert_allclose(stick.read(joy([-1, -1, -1])).action, [-0.1, 0.2, 0.0], rtol=1e-6)
    np.testing.assert_allclose(stick.read(joy([1, 1, 1])).action, [0.3, 1.0, 1.0], rtol=1e-6)


def test_of_several_marks_the_most_careful_counts():
    xbox = JoyMapping(load_profile("xbox"), ARM)
    assert xbox.read(joy([], [1])).mark is Mark.SUCCESS
    assert xbox.read(joy([], [1, 1])).mark is Mark.FAILURE
    assert xbox.read(joy([], [1, 1, 0, 0, 0, 0, 1])).mark is Mark.RESET
    assert xbox.read(joy([], [0, 0, 0, 0, 1])).estop


def test_moving_the_spacemouse_is_taking_over_and_letting_go_is_giving_back():
    cap = JoyMapping(load_profile("spacemouse_motion"), ARM)
    assert not cap.read(joy([0.0, 0.0, 0.09])).takeover
    assert cap.read(joy([0.0, 0.0, 0.11])).takeover
    assert not cap.read(joy([0.0, 0.0, 0.11])).action.any()
    assert cap.read(joy([], [1])).takeover


def test_a_device_with_too_few_axes_or_buttons_is_named():
    xbox = JoyMapping(load_profile("xbox"), ARM)
    with pytest.raises(DeviceError, match=r"'xbox' reads axis 4 \(linear_z\), but the device has only 2 axes"):
        xbox.read(JoyState(np.zeros(2, np.float32), np.zeros(11, np.int32)))
    with pytest.raises(DeviceError, match=r"'xbox' reads button 5 \(takeover\), but the device has only 5 buttons"):
        xbox.read(JoyState(np.zeros(8, np.float32), np.zeros(5, np.int32)))


def test_an_axis_that_is_not_finite_is_refused():
    with pytest.raises(NonFiniteError, match="linear_x"):
        mapping().read(joy([0.0, np.nan]))


def test_an_intent_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="intended action"):
        mapping().to_joy(Intent(True, np.zeros(3, np.float32)))


MARKS = st.sampled_from(Mark)


@given(
    st.sampled_from([PLANE, ARM, spec(action_0=(-1.0, 1.0), action_1=(0.0, 0.04), action_2=(-np.inf, np.inf))]),
    st.booleans(),
    MARKS,
    st.booleans(),
    st.data(),
)
def test_a_scripted_person_gets_exactly_the_action_that_was_meant(action, takeover, mark, estop, data):
    bounded = [(max(low, -1.0), min(high, 1.0)) for low, high in zip(action.low, action.high, strict=True)]
    wish = np.array([data.draw(st.floats(float(a), float(b), width=32)) for a, b in bounded], np.float32)
    scripted = JoyMapping(load_profile("scripted"), action)
    human = scripted.read(scripted.to_joy(Intent(takeover, wish), mark, estop))
    np.testing.assert_allclose(human.action, wish, rtol=3e-7, atol=1e-37)
    assert (human.takeover, human.mark, human.estop) == (takeover, mark, estop)


CORNER = np.array([0, 1, 1, 1, 1, 1, 1, 1], np.float32)


@example("ps", "radial", -30.0, 1.0, CORNER, np.zeros(11, np.int32))
@given(
    st.sampled_from(profile_names()),
    st.sampled_from(["per_axis", "radial"]),
    st.sampled_from([0.0, 90.0, -30.0, 161.5]),
    st.sampled_from([1.0, -0.5, 0.3]),
    hnp.arrays(np.float32, 8, elements=st.floats(-1.0, 1.0, width=32)),
    hnp.arrays(np.int32, 11, elements=st.integers(0, 1)),
)
def test_pressing_what_was_read_reads_the_same_on_every_profile(name, shape, frame_deg, scale, axes, buttons):
    loaded = load_profile(name)
    content = dict(vars(loaded.options))
    content |= {"dead_zone_shape": shape, "frame_deg": frame_deg}
    content |= {"axes": {component: dict(vars(binding)) for component, binding in loaded.axes.items()}}
    for component in {"linear_x", "angular_z"} & set(loaded.axes):
        content["axes"][component]["scale"] = scale
    device = JoyMapping(parse_profile(name, content), ARM)
    meant = device.read(JoyState(axes, buttons))
    again = device.read(device.to_joy(Intent(meant.takeover, meant.action), meant.mark, meant.estop))
    if meant.takeover or not loaded.options.takeover_motion:
        np.testing.assert_allclose(again.action, meant.action, rtol=1e-5, atol=1e-7)
    assert (again.takeover, again.mark, again.estop) == (meant.takeover, meant.mark, meant.estop)


def test_advice_moves_nothing_and_takes_no_control():
    scripted = JoyMapping(load_profile("scripted"), ARM)
    wish = np.array([0.05, -0.05, 0.01, 0.25, 1.0], np.float32)
    human = scripted.read(scripted.to_joy(Intent(False, wish, advises=True)))
    assert human.advises
    assert not human.takeover
    np.testing.assert_allclose(human.action, wish, rtol=1e-6)


def test_a_scripted_takeover_at_rest_takes_over_without_moving_the_arm():
    cap = JoyMapping(load_profile("spacemouse_motion"), ARM)
    human = cap.read(cap.to_joy(Intent(True, np.zeros(5, np.float32))))
    assert human.takeover
    assert not human.action.any()
