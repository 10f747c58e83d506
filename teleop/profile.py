"""Joystick profiles: which button and axis means what. YAML files, checked when they are read.

A profile names the buttons, and for each action component either an axis or a pair of buttons::

    takeover_button: 5
    dead_zone: 0.1
    axes:
      linear_x: {axis: 1}
      linear_y: {axis: 0, scale: -0.5}
      gripper: {plus_button: 3, minus_button: 2}

Axes and buttons are numbered as in ``sensor_msgs/Joy``, from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from vlmrl_ros.core.config import from_mapping, option, options
from vlmrl_ros.core.errors import ConfigError, UnknownNameError

_NONE = -1
"""Stands for "no such button" or "no such axis"."""


@dataclass(frozen=True)
class ProfileOptions:
    """Everything in a profile except its axes."""

    takeover_button: int = option(_NONE, "Button that takes control; -1: none.", low=_NONE, high=63)
    takeover_motion: float = option(
        0.0, "Deflection of any mapped axis above which moving is taking control; 0: never.", low=0.0, high=0.9
    )
    success_button: int = option(_NONE, "Button that marks the episode a success; -1: none.", low=_NONE, high=63)
    failure_button: int = option(_NONE, "Button that marks the episode a failure; -1: none.", low=_NONE, high=63)
    reset_button: int = option(_NONE, "Button that asks for a new episode; -1: none.", low=_NONE, high=63)
    estop_button: int = option(_NONE, "Button of the e-stop; -1: none.", low=_NONE, high=63)
    advice_button: int = option(
        _NONE,
        "Button with which the stick says what the person would do, while the policy goes on acting; -1: none.",
        low=_NONE,
        high=63,
    )
    dead_zone: float = option(
        0.0, "Deflections up to this count as zero; beyond it the output grows from zero to one.", low=0.0, high=0.9
    )
    dead_zone_shape: str = option(
        "per_axis",
        "per_axis: each axis has its own zone; radial: the translation has one together, and so has the rotation.",
        choices=("per_axis", "radial"),
    )
    frame_deg: float = option(
        0.0,
        "Direction of the device's x axis, seen from above, in base_link; that of the camera or tool one steers by.",
        unit="deg",
        low=-360.0,
        high=360.0,
    )
    assign: str = option(
        "by_name",
        "by_name: axes as listed under 'axes'; in_order: axis i steers action component i, whatever its name.",
        choices=("by_name", "in_order"),
    )


@dataclass(frozen=True)
class Binding:
    """What steers one action component: an axis, or two buttons."""

    axis: int = option(_NONE, "Axis that steers it.", low=_NONE, high=63)
    plus_button: int = option(_NONE, "Button for full deflection upwards.", low=_NONE, high=63)
    minus_button: int = option(_NONE, "Button for full deflection downwards.", low=_NONE, high=63)
    scale: float = option(
        1.0, "Part of the component's range that full deflection gives; negative inverts.", low=-1, high=1
    )

    @property
    def by_buttons(self) -> bool:
        """Two buttons instead of an axis."""
        return self.axis == _NONE


@dataclass(frozen=True)
class Profile:
    """A checked profile.

    Attributes:
        name: for messages.
        options: buttons, dead zone and frame.
        axes: action component name to binding, in the order of the file.
    """

    name: str
    options: ProfileOptions
    axes: Mapping[str, Binding]


def profile_names() -> tuple[str, ...]:
    """The profiles that come with the package, sorted."""
    folder = resources.files("vlmrl_ros.teleop") / "profiles"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_profile(name: str) -> Profile:
    """Read a profile.

    Args:
        name: one of :func:`profile_names`, or the path of a file of your own that ends in ``.yaml``.

    Returns:
        the checked profile.

    Raises:
        UnknownNameError: no such profile; the message lists those that exist. Also a key that profiles do not have.
        ConfigError: the file cannot be read, or what it says makes no sense.
    """
    own = name.endswith((".yaml", ".yml"))
    if not own and name not in profile_names():
        raise UnknownNameError("joystick profile", name, (*profile_names(), "<path>.yaml"))
    source = Path(name).expanduser() if own else resources.files("vlmrl_ros.teleop") / "profiles" / f"{name}.yaml"
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"joystick profile '{name}' cannot be read: {error}") from error
    return parse_profile(name, content)


def parse_profile(name: str, content: Any) -> Profile:
    """Check the content of a profile; see :func:`load_profile` for the errors."""
    where = f"joystick profile '{name}'"
    if not isinstance(content, dict) or not isinstance(content.get("axes", {}), dict):
        raise ConfigError(f"{where} must be a mapping, and its 'axes' too; got {str(content)[:80]!r}")
    known = (*options(ProfileOptions), "axes")
    for key in content:
        if key not in known:
            raise UnknownNameError(f"{where} key", str(key), known)
    simple = from_mapping(ProfileOptions, {key: value for key, value in content.items() if key != "axes"}, where)
    axes: dict[str, Binding] = {}
    for component, binding in content.get("axes", {}).items():
        if not isinstance(binding, dict):
            raise ConfigError(f"{where} axes.{component} must be a mapping such as {{axis: 1}}; got {binding!r}")
        axes[str(component)] = from_mapping(Binding, binding, f"{where} axes.{component}")
    profile = Profile(name, simple, axes)
    _check_takeover(where, simple)
    _check_bindings(where, profile)
    return profile


def _check_takeover(where: str, simple: ProfileOptions) -> None:
    by_button, by_motion = simple.takeover_button != _NONE, simple.takeover_motion > 0
    if by_button == by_motion:
        raise ConfigError(
            f"{where} needs either takeover_button or takeover_motion, not {'both' if by_button else 'none'}"
        )
    if by_motion and not simple.takeover_motion < simple.dead_zone:
        raise ConfigError(
            f"{where}: takeover_motion {simple.takeover_motion:g} must be below dead_zone {simple.dead_zone:g}, "
            "so that whatever moves the arm also takes control"
        )


def _check_bindings(where: str, profile: Profile) -> None:
    simple = profile.options
    if (simple.assign == "in_order") == bool(profile.axes):
        raise ConfigError(f"{where} needs 'axes' with assign: by_name and none with assign: in_order")
    for component, binding in profile.axes.items():
        pair = (binding.plus_button != _NONE, binding.minus_button != _NONE)
        if pair != (binding.by_buttons, binding.by_buttons):
            raise ConfigError(f"{where} axes.{component} needs either axis or both plus_button and minus_button")
        if binding.scale == 0:
            raise ConfigError(f"{where} axes.{component}.scale is 0; leave the component out instead")
    bound = profile.axes.values()
    buttons = [
        getattr(simple, f"{use}_button") for use in ("takeover", "success", "failure", "reset", "estop", "advice")
    ]
    buttons += [button for binding in bound for button in (binding.plus_button, binding.minus_button)]
    for kind, numbers in (("axis", [binding.axis for binding in bound]), ("button", buttons)):
        twice = [number for number, uses in Counter(numbers).items() if uses > 1 and number != _NONE]
        if twice:
            raise ConfigError(f"{where} uses {kind} {twice[0]} for two things")
