"""What a description of an arm promises and cannot keep: found before anything starts. Pure."""

from __future__ import annotations

import re

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_features import task_spec
from vlmrl_ros.core.errors import ConfigError, VlmrlError
from vlmrl_ros.core.safety import SafetyFilter

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_arm(arm: ArmDescription) -> None:
    """See that the parts fit each other.

    Raises:
        UnknownNameError: no such output plug-in; the message lists those that exist.
        ConfigError: limits that do not fit the action, a camera whose name cannot be a topic, or a place that the arm
            is to be brought to and that its own workspace box excludes.
    """
    where = f"arm '{arm.name}'"
    for name in arm.cameras:
        if not _TOKEN.fullmatch(name):
            raise ConfigError(f"{where}: a camera is called '{name}'; valid: letters, digits and _, a letter first")
    registry.check("outputs", arm.output.plugin)
    try:
        SafetyFilter(task_spec(arm).action, arm.general.tick_s, arm.limits)
    except VlmrlError as error:
        raise ConfigError(f"{where} limits: {error}") from error
    _check_home(where, arm)


def _check_home(where: str, arm: ArmDescription) -> None:
    """Homing ends: the safety filter lets the arm get to where it is to go."""
    low, high = arm.limits.workspace_low, arm.limits.workspace_high
    if not low or arm.reset.procedure != "home" or not arm.home.position:
        return
    home, around = np.array(arm.home.position), bool(arm.reset.around)
    box = np.zeros((2, 3)) if around else np.array([arm.reset.start_low, arm.reset.start_high])
    for place in home + box:
        if not ((place >= low) & (place <= high)).all():
            what = "home.position" if around or not box.any() else "home.position with the start's box"
            raise ConfigError(
                f"{where}: {what} reaches {place.round(4).tolist()}, outside the box of limits, {low} to {high}: "
                "homing would never end"
            )
    if not low[2] <= arm.reset.lift_z_m <= high[2]:
        raise ConfigError(
            f"{where}: reset.lift_z_m is {arm.reset.lift_z_m:g}, outside the box of limits, {low[2]:g} to {high[2]:g}"
        )
