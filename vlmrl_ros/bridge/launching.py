"""What the launch files share: arguments, nodes, bring-up. Uses the real launch API only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from launch import LaunchContext
from launch.action import Action
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from vlmrl_ros.core import registry

PACKAGE = "vlmrl_ros"
BOOLEAN = ("true", "false")

COMMON = {
    "task": ("peg_insert", "task plug-in, or gym:<id>, or dm:<name>"),
    "seed": ("0", "seed of everything random"),
    "headless": ("true", "run without MuJoCo's viewer", BOOLEAN),
    "params_file": ("", "YAML file with parameters that differ from the defaults (see docs/parameters.md)"),
    "namespace": ("", "namespace of all nodes, one for each arm"),
    "log_level": ("info", "log level of all nodes", ("debug", "info", "warn", "error", "fatal")),
    "use_sim_time": ("true", "nodes take their time from /clock", BOOLEAN),
}
"""Launch arguments of several launch files: name to (default, description[, choices])."""


def declare(arguments: Mapping[str, tuple[Any, ...]]) -> list[Action]:
    """Declare launch arguments from a table like :data:`COMMON`."""
    return [
        DeclareLaunchArgument(name, default_value=row[0], description=row[1], choices=list(row[2]) if row[2:] else None)
        for name, row in arguments.items()
    ]


def environment() -> list[Action]:
    """One thread for each process, because several share the cores; off-screen rendering where there is no display."""
    actions: list[Action] = [SetEnvironmentVariable("OMP_NUM_THREADS", "1")]
    if "MUJOCO_GL" not in os.environ and "DISPLAY" not in os.environ:
        actions.append(SetEnvironmentVariable("MUJOCO_GL", "egl"))
    return actions


class Arguments:
    """The values of the launch arguments, typed."""

    def __init__(self, context: LaunchContext) -> None:
        """Read from the context of an ``OpaqueFunction``."""
        self._context = context

    def text(self, name: str) -> str:
        """The value as it was given."""
        return LaunchConfiguration(name).perform(self._context)

    def plugin(self, name: str, group: str) -> str:
        """The name of a plug-in, checked before anything starts; tasks like ``gym:<id>`` are left to their adapter.

        Raises:
            UnknownNameError: no such plug-in; the message lists those that exist.
        """
        value = self.text(name)
        if group != "tasks" or ":" not in value:
            registry.check(group, value)
        return value

    def flag(self, name: str) -> bool:
        """True or false.

        Raises:
            ValueError: anything else.
        """
        value = self.text(name)
        if value.lower() not in BOOLEAN:
            raise ValueError(f"launch argument {name} is '{value}'; valid: true, false")
        return value.lower() == "true"

    def integer(self, name: str) -> int:
        """A whole number.

        Raises:
            ValueError: anything else.
        """
        value = self.text(name)
        try:
            return int(value)
        except ValueError:
            raise ValueError(f"launch argument {name} is '{value}'; valid: a whole number") from None


def managed(arguments: Arguments, nodes: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Action]:
    """Nodes of this package and the manager that configures and activates them in the given order.

    When one of them exits, for whatever reason, everything stops.

    Args:
        arguments: of the launch file; those of :data:`COMMON` that concern every node are read here.
        nodes: (executable, parameters) each.

    Returns:
        launch actions.
    """
    rows = list(nodes)
    manager = ("lifecycle_manager", {"node_names": [name for name, _ in rows]})
    return [_node(arguments, name, parameters) for name, parameters in [*rows, manager]]


def _node(arguments: Arguments, executable: str, parameters: Mapping[str, Any]) -> Node:
    given = {**parameters, "use_sim_time": arguments.flag("use_sim_time")}
    params_file = arguments.text("params_file")
    return Node(
        package=PACKAGE,
        executable=executable,
        name=executable,
        namespace=arguments.text("namespace"),
        parameters=[given, *([params_file] if params_file else [])],
        ros_arguments=["--log-level", arguments.text("log_level")],
        output="screen",
        on_exit=Shutdown(reason=f"{executable} has ended"),
    )
