"""The nodes of the launch files and their bring-up. Uses the real launch API only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from launch.action import Action
from launch.actions import LogInfo, SetEnvironmentVariable
from launch_ros.actions import Node

from vlmrl_ros.bridge.arguments import Arguments
from vlmrl_ros.bridge.fast_dds import chosen_for_all
from vlmrl_ros.bridge.fleet import check_discovery
from vlmrl_ros.bridge.params_file import unused
from vlmrl_ros.bridge.security import middleware
from vlmrl_ros.bridge.supervision import Supervisor, again

PACKAGE = "vlmrl_ros"
LEARNERS = ("learner", "text_learner")
"""Nodes that know where a run is."""
KEEPS_TIME = ("sim_bridge",)
"""Nodes that publish ``/clock``."""


def environment() -> list[Action]:
    """What all processes of a launch have in common; what the user has chosen stays.

    One thread each, because several share the cores. Off-screen rendering where there is no display. Fast DDS by UDP
    alone: in the memory that it shares otherwise, a process that stands still can hold up all others (ADR 11); and
    without the threads that look up types, which crash (ADR 13).
    """
    actions: list[Action] = [SetEnvironmentVariable("OMP_NUM_THREADS", "1")]
    if "MUJOCO_GL" not in os.environ and "DISPLAY" not in os.environ:
        actions.append(SetEnvironmentVariable("MUJOCO_GL", "egl"))
    return actions + [SetEnvironmentVariable(name, value) for name, value in chosen_for_all().items()]


@dataclass(frozen=True)
class Managed:
    """A node that the launch file keeps alive.

    Attributes:
        executable: of this package; also the node's name.
        parameters: what differs from its defaults.
        arm: namespace below that of the launch file, for one arm of a fleet.
    """

    executable: str
    parameters: Mapping[str, Any]
    arm: str = ""

    @property
    def name(self) -> str:
        """Name below the namespace of the launch file."""
        return f"{self.arm}/{self.executable}" if self.arm else self.executable


Row = Managed | tuple[str, Mapping[str, Any]]


def managed(
    arguments: Arguments, nodes: Iterable[Row], drivers: Iterable[Row] = (), options: Path | None = None
) -> list[Action]:
    """Nodes of this package and the manager that configures and activates them in the given order.

    A node that a signal kills is started again; one that ends by itself ends everything. See
    :mod:`vlmrl_ros.bridge.supervision`.

    Args:
        arguments: of the launch file; those of :data:`~vlmrl_ros.bridge.arguments.NEEDED` are read here.
        nodes: what to run; a pair is (executable, parameters).
        drivers: robots, which start by themselves: kept alive like the nodes, but nobody manages them.
        options: a YAML file of parameters of all nodes; those given here and in ``params_file`` come before its own.

    Returns:
        launch actions.

    Raises:
        ConfigError: ``secure`` is asked for and the keystore or the middleware does not provide it, or ``params_file``
            cannot be read.
        UnknownNameError: ``params_file`` has a section for a node that does not exist.
    """
    rows, robots = ([row if isinstance(row, Managed) else Managed(*row) for row in given] for given in (nodes, drivers))
    manager = Managed("lifecycle_manager", {"node_names": [row.name for row in rows]})
    learns = any(row.executable in LEARNERS for row in rows)
    clock = next((f"{row.arm}/clock" for row in rows if row.arm and row.executable in KEEPS_TIME), "")
    every = [*robots, *rows, manager]
    check_discovery(len(every))
    return [
        *_secured(arguments, every),
        *_told_of_unused(arguments, every),
        *(
            Supervisor(row.name, partial(_node, arguments, row, clock, options), again(row.executable, learns)).start()
            for row in every
        ),
    ]


def _secured(arguments: Arguments, rows: Iterable[Managed]) -> list[Action]:
    """The environment of secured nodes, once it is known that they will be; nothing without ``secure``."""
    if not arguments.flag("secure"):
        return []
    keystore = middleware.keystore_of(arguments.text("keystore"))
    middleware.require(keystore, [_full_name(arguments, row) for row in rows])
    return [SetEnvironmentVariable(name, value) for name, value in middleware.environment(keystore).items()]


def _told_of_unused(arguments: Arguments, rows: Iterable[Managed]) -> list[Action]:
    """What in the parameter file is for nodes that are not launched, for people."""
    file = arguments.text("params_file")
    absent = unused(file, {_full_name(arguments, row): row.executable for row in rows}) if file else []
    return [LogInfo(msg=f"params_file '{file}': '{name}' is for a node that is not launched here") for name in absent]


def _full_name(arguments: Arguments, row: Managed) -> str:
    """The full name of a node."""
    return f"{arguments.namespace()}/{row.name}"


def _node(
    arguments: Arguments,
    row: Managed,
    fleet_clock: str,
    options: Path | None,
    more: Mapping[str, Any],
    on_exit: Callable[..., Any],
) -> Node:
    """One node.

    Args:
        arguments: of the launch file.
        row: what to run.
        fleet_clock: where each arm of a fleet has a clock, its topic for the nodes of no arm; empty: all have /clock.
        options: a file of parameters, of which all others come before.
        more: parameters besides its own.
        on_exit: what follows the end of its process.
    """
    given = {"use_sim_time": arguments.flag("use_sim_time"), **row.parameters, **more}
    params_file, space = arguments.text("params_file"), arguments.text("namespace")
    enclave = ["--enclave", _full_name(arguments, row)] if arguments.flag("secure") else []
    clock = "clock" if row.arm and fleet_clock else fleet_clock
    remappings = [("/clock", clock)] if clock else []
    if row.arm:  # one learner teaches all arms
        remappings.append(("weights", f"{arguments.namespace()}/weights"))
    return Node(
        package=PACKAGE,
        executable=row.executable,
        name=row.executable,
        namespace="/".join(part for part in (space, row.arm) if part),
        parameters=[*([options] if options else []), given, *([params_file] if params_file else [])],
        remappings=remappings,
        ros_arguments=["--log-level", arguments.text("log_level"), *enclave],
        output="screen",
        on_exit=on_exit,
    )
