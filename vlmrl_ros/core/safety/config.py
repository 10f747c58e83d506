"""Limits of an arm: the only home of their defaults, and their check against what is to be limited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.safety.motion import Wall

TRANSLATION = ("linear_x", "linear_y", "linear_z")
"""Components that the workspace box needs, in the order of the tip position."""


@dataclass(frozen=True)
class SafetyConfig:
    """Limits of an arm. The defaults change nothing that stays within the bounds of the action.

    A list of limits has one number for each action component, or one number for all; empty means no limit beyond the
    bounds of the action.
    """

    beyond: str = option(
        "clamp",
        "What becomes of a command beyond the velocity limit or out of the workspace: clamp it, or reject it (stop).",
        choices=("clamp", "reject"),
    )
    velocity: tuple[float, ...] = option((), "Greatest speed of each component.", unit="m/s, rad/s", low=0.0)
    acceleration: tuple[float, ...] = option((), "Greatest change of speed.", unit="m/s^2, rad/s^2", low=1e-6)
    jerk: tuple[float, ...] = option((), "Greatest change of acceleration.", unit="m/s^3, rad/s^3", low=1e-6)
    workspace_low: tuple[float, ...] = option((), "Lower corner of the tip's box, x y z in base_link.", unit="m")
    workspace_high: tuple[float, ...] = option((), "Upper corner of the tip's box, x y z in base_link.", unit="m")
    command_timeout_s: float = option(0.25, "An older command is not carried out.", unit="s", low=0.0, high=10.0)
    dead_man_button: int = option(
        -1, "Button of `joy` that a person must hold for the arm to move, in real time; -1: none.", low=-1, high=63
    )
    dead_man_timeout_s: float = option(
        0.1, "A dead-man's button not heard of for so long counts as released.", unit="s", low=0.01, high=10.0
    )


@dataclass(frozen=True)
class JointLimits:
    """Limits of an arm's joints. A list has one number for each joint, or one number for all; empty means no limit."""

    beyond: str = option(
        "clamp",
        "What becomes of a command beyond the velocity or position limits: clamp it, or reject it (stop).",
        choices=("clamp", "reject"),
    )
    position_low: tuple[float, ...] = option((), "Least position of each joint.", unit="rad")
    position_high: tuple[float, ...] = option((), "Greatest position of each joint.", unit="rad")
    velocity: tuple[float, ...] = option((), "Greatest speed of each joint.", unit="rad/s", low=0.0)
    acceleration: tuple[float, ...] = option((), "Greatest change of speed.", unit="rad/s^2", low=1e-6)
    jerk: tuple[float, ...] = option((), "Greatest change of acceleration.", unit="rad/s^3", low=1e-6)


def one_each(name: str, values: Sequence[float], components: Sequence[str], missing: float = math.inf) -> list[float]:
    """One limit for each component.

    Args:
        name: of the option, for the message.
        values: one for each component, one for all, or none.
        components: names.
        missing: what stands for none.

    Raises:
        ConfigError: another number of values.
    """
    if len(values) not in (0, 1, len(components)):
        raise ConfigError(f"{name} has {len(values)} numbers; valid: none, one, or one for each of {tuple(components)}")
    return list(values) if len(values) == len(components) else [values[0] if values else missing] * len(components)


def workspace_walls(config: SafetyConfig, components: tuple[str, ...]) -> list[Wall]:
    """The walls of the box, for x, y, z; empty without a box.

    Raises:
        ConfigError: a corner that is not x y z, an empty box, or an action that does not move the tip.
    """
    low, high = config.workspace_low, config.workspace_high
    if not low and not high:
        return []
    if len(low) != 3 or len(high) != 3 or not all(a < b for a, b in zip(low, high, strict=True)):
        raise ConfigError(f"workspace_low {low} and workspace_high {high}; valid: x y z each, with low below high")
    missing = [name for name in TRANSLATION if name not in components]
    if missing:
        raise ConfigError(f"a workspace box needs the actions {missing}; the task has {components}")
    return [Wall(components.index(name), a, b) for name, a, b in zip(TRANSLATION, low, high, strict=True)]


def joint_walls(limits: JointLimits, joints: Sequence[str]) -> list[Wall]:
    """The walls of each joint's position, in the order of the joints; empty where there is none at all.

    Raises:
        ConfigError: a list of the wrong length, or a range that is empty.
    """
    if not limits.position_low and not limits.position_high:
        return []
    low = one_each("position_low", limits.position_low, joints, -math.inf)
    high = one_each("position_high", limits.position_high, joints)
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise ConfigError(f"position_low {low} and position_high {high}; valid: low below high for each of {joints}")
    return [Wall(index, a, b) for index, (a, b) in enumerate(zip(low, high, strict=True))]
