"""Who stands by the arm: the operators of the launch files, their nodes, and what ``teleop`` is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlmrl_ros.bridge.arguments import Arguments
from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import ConfigError

DEVICES = ("joystick", "spacemouse")
"""Operators whose device this package reads."""
PERSONS = (*DEVICES, "joy")
"""Operators who need real time."""
WHO: Mapping[str, str] = {
    "joystick": "a person at the joystick of this machine",
    "spacemouse": "a person at its SpaceMouse",
    "joy": "a person whose readings a node of yours, like joy_node, publishes on joy at 50 Hz or more",
    "scripted": "a program that knows the task, in the place of a person",
    "script": "nobody; a policy says what to do next, with thoughts, for learner:=vlm_sft; not with a real arm",
    "none": "nobody; not with a real arm",
}
PROFILES: Mapping[str, str] = {
    "joystick": "xbox",
    "spacemouse": "spacemouse",
    "joy": "xbox",
    "scripted": "scripted",
    "script": "scripted",
    "none": "scripted",
}
"""The usual joystick profile of each operator."""
PROFILE = ("", "joystick profile (xbox, ps, spacemouse or a YAML file); empty: the operator's usual one")
"""Row of the launch argument ``profile``, as in :data:`vlmrl_ros.bridge.arguments.COMMON`."""
HARMLESS = ("", "sim_arm")
"""Values of ``arm`` with which nothing moves but a simulation."""


def operator_argument(job: str, *names: str) -> tuple[str, str, tuple[str, ...]]:
    """Row of the launch argument ``operator``, as in :data:`vlmrl_ros.bridge.arguments.COMMON`.

    Args:
        job: what the operator does.
        names: who there may be, of :data:`WHO`; the first is the default.
    """
    return names[0], "; ".join((job, *(f"{name}: {WHO[name]}" for name in names))), names


STANDING_BY = {
    "operator": operator_argument(
        "who stands by where a policy acts alone; an episode in their hands does not count", "none", *PERSONS
    ),
    "profile": PROFILE,
}
"""Launch arguments of the launch files that judge policies, as :data:`vlmrl_ros.bridge.arguments.COMMON`."""


def by_hand(a: Arguments) -> bool:
    """Whether a person is the operator."""
    return a.text("operator") in PERSONS


def device_nodes(a: Arguments, index: int = 0) -> dict[str, dict[str, Any]]:
    """The node that reads a person's device: executable to parameters; empty where there is none to read.

    Args:
        a: with ``operator``.
        index: which of several devices.
    """
    operator = a.text("operator")
    return {operator: {f"{operator}.index": index}} if operator in DEVICES else {}


def teleop_parameters(a: Arguments) -> dict[str, Any]:
    """Parameters of ``teleop``, from ``operator`` and ``profile``.

    Where a person stands by, the policy acts only while they could stop it: while their ``joy`` lives.
    """
    operator = a.text("operator")
    return {
        "profile": a.text("profile") or PROFILES[operator],
        "joy_sync": operator == "scripted",
        "arbiter.require_joy": by_hand(a),
    }


def check_scripted(task: str, *others: str) -> None:
    """See that the scripted operator knows a task.

    Args:
        task: its name.
        others: operators who go with any task.

    Raises:
        ConfigError: it does not.
    """
    known = registry.names("operators")
    if task not in known:
        raise ConfigError(
            f"task '{task}' has no scripted operator (those with one: {', '.join(known)}); take operator:="
            f"{', '.join(others[:-1])} or {others[-1]}"
        )


def check_attended(a: Arguments, *names: str) -> None:
    """A policy moves a real arm only where somebody stands by.

    Args:
        a: with ``operator``.
        names: the arms as they are given to ``arm``.

    Raises:
        ValueError: nobody does.
    """
    operator = a.text("operator")
    for name in names:
        if name not in HARMLESS and operator in ("none", "script"):
            raise ValueError(
                f"launch argument operator is '{operator}', but nobody could stop the policy that moves arm:={name}; "
                f"valid: {', '.join(PERSONS)}"
            )
