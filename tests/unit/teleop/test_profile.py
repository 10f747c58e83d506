from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.teleop.profile import Binding, load_profile, parse_profile, profile_names

PAD = {"takeover_button": 5, "axes": {"linear_x": {"axis": 1}}}


def test_the_package_brings_profiles_for_the_usual_devices():
    assert set(profile_names()) >= {"xbox", "ps", "ps_kernel", "spacemouse", "spacemouse_motion", "scripted"}


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_of_the_package_is_sound(name):
    assert load_profile(name).name == name


def test_an_unknown_profile_names_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"unknown joystick profile 'wii'; valid: .*ps.*spacemouse.*xbox"):
        load_profile("wii")


def test_a_profile_of_ones_own_is_read_by_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("takeover_button: 2\ndead_zone: 0.2\naxes:\n  linear_z: {axis: 3, scale: -0.5}\n")
    profile = load_profile(str(path))
    assert profile.options.takeover_button == 2
    assert profile.axes == {"linear_z": Binding(axis=3, scale=-0.5)}


@pytest.mark.parametrize("text", [None, "axes: [", "a: &a [*a, \xff", "- 1", "axes: 3"])
def test_a_file_that_is_no_profile_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deadzone": 0.1}, r"unknown joystick profile 'pad' key 'deadzone'; valid: dead_zone, .*axes"),
        ({"dead_zone": 0.95}, r"dead_zone is 0.95; valid: 0 to 0.9"),
        ({"dead_zone": "small"}, r"dead_zone must be of type float, got 'small'"),
        ({"dead_zone_shape": "square"}, r"'square'; valid: per_axis, radial"),
        ({"takeover_button": -1}, "either takeover_button or takeover_motion, not none"),
        ({"takeover_motion": 0.1}, "either takeover_button or takeover_motion, not both"),
        (
            {"takeover_button": -1, "takeover_motion": 0.3, "dead_zone": 0.2},
            r"takeover_motion 0.3 must be below dead_zone 0.2",
        ),
        ({"success_button": 5}, "uses button 5 for two things"),
        ({"axes": {"linear_x": {"axis": 1}, "linear_y": {"axis": 1}}}, "uses axis 1 for two things"),
        (
            {"axes": {"linear_x": {"axes": 1}}},
            r"axes.linear_x key 'axes'; valid: axis, minus_button, plus_button, scale",
        ),
        ({"axes": {"linear_x": {"axis": 1, "scale": 2.0}}}, r"axes.linear_x.scale is 2; valid: -1 to 1"),
        ({"axes": {"linear_x": {"axis": 1, "scale": 0.0}}}, r"scale is 0; leave the component out"),
        ({"axes": {"linear_x": 1}}, r"axes.linear_x must be a mapping such as \{axis: 1\}"),
        ({"axes": {"gripper": {"plus_button": 1}}}, "axes.gripper needs either axis or both"),
        (
            {"axes": {"gripper": {"axis": 2, "plus_button": 1, "minus_button": 0}}},
            "axes.gripper needs either axis or both",
        ),
        ({"axes": {}}, "needs 'axes' with assign: by_name"),
        ({"assign": "in_order"}, "none with assign: in_order"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_by_name(change, message):
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        parse_profile("pad", {**PAD, **change})
