"""The arguments that launch files share: their tables, and their values, checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from launch import LaunchContext
from launch.action import Action
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import UnknownNameError

Number = TypeVar("Number", int, float)
BOOLEAN = ("true", "false")
COMMON = {
    "task": ("peg_insert", "task plug-in, or gym:<id>, or dm:<name>"),
    "observation": (
        "",
        "what a simulated task shows, its option of that name; empty: its default",
        ("", "state", "pixels", "both"),
    ),
    "seed": ("0", "seed of everything random"),
    "headless": ("true", "run without MuJoCo's viewer", BOOLEAN),
    "params_file": ("", "YAML file with parameters that differ from the defaults (see docs/parameters.md)"),
    "namespace": ("", "namespace of all nodes, one for each run"),
    "log_level": ("info", "log level of all nodes", ("debug", "info", "warn", "error", "fatal")),
    "use_sim_time": ("true", "nodes take their time from /clock", BOOLEAN),
    "secure": (
        "false",
        "authenticate and encrypt everything by SROS 2, or refuse to start (docs/security.md)",
        BOOLEAN,
    ),
    "keystore": ("", "keystore of secure:=true; empty: the one in ROS_SECURITY_KEYSTORE"),
}
"""Launch arguments of several launch files: name to (default, description[, choices])."""
DATA = {
    "demonstrations": (
        "15",
        "successful episodes that the scripted operators show at first, all together; or bags whose demonstrations the "
        "learner is given instead: bags, run directories or folders of bags, separated by commas",
    ),
    "offline": (
        "",
        "bags as for demonstrations:=, but from all of their steps is learned: with no robot, or, with "
        "offline_updates:=, before it moves; empty: live",
    ),
    "offline_updates": ("0", "updates from the bags of offline:= after which the robot goes on; 0: there is no robot"),
}
"""Launch arguments of the launch files that learn, as :data:`COMMON`."""
NEEDED = ("params_file", "namespace", "log_level", "use_sim_time", "secure", "keystore")
"""Those that every launch file with nodes of :func:`~vlmrl_ros.bridge.launching.managed` declares."""
OF_LAUNCH = ("emulate_tty", "launch-prefix", "launch-prefix-filter", "sigkill_timeout", "sigterm_timeout")
"""Arguments that ``launch`` itself reads and no launch file declares."""


def declare(arguments: Mapping[str, tuple[Any, ...]]) -> list[Action]:
    """Declare launch arguments from a table like :data:`COMMON`, and refuse others on the command line."""
    return [
        OpaqueFunction(function=partial(refuse_unknown, declared=arguments)),
        *(
            DeclareLaunchArgument(
                name, default_value=row[0], description=row[1], choices=list(row[2]) if row[2:] else None
            )
            for name, row in arguments.items()
        ),
    ]


def refuse_unknown(context: LaunchContext, declared: Collection[str]) -> None:
    """See that each argument of ``ros2 launch`` is one of its launch file; ``launch`` takes any name.

    A launch file that another one includes says nothing: the arguments are those of the other.

    Raises:
        UnknownNameError: an argument that is not declared.
    """
    if not _is_launched(context):
        return
    for argument in context.argv:
        name = argument.partition(":=")[0]
        if name not in declared and name not in OF_LAUNCH:
            raise UnknownNameError("launch argument", name, declared)


def _is_launched(context: LaunchContext) -> bool:
    """The launch file that is being visited is the one that ``ros2 launch`` was given."""
    at_hand = context.get_locals_as_dict()
    launched = getattr(at_hand.get("event"), "launch_description", None)
    files = [
        os.path.abspath(entity.launch_description_source.location)
        for entity in (launched.entities if launched else ())
        if isinstance(entity, IncludeLaunchDescription)
    ]
    return at_hand.get("current_launch_file_path") in files


class Arguments:
    """The values of the launch arguments, typed."""

    def __init__(self, context: LaunchContext) -> None:
        """Read from the context of an ``OpaqueFunction``."""
        self._context = context

    def text(self, name: str) -> str:
        """The value as it was given."""
        return LaunchConfiguration(name).perform(self._context)

    def fill(self, name: str, value: str) -> None:
        """Take a value for an argument that was left empty."""
        if not self.text(name):
            self._context.launch_configurations[name] = value

    def namespace(self) -> str:
        """The full namespace of the launch, also within a ``PushRosNamespace``; without a slash at its end."""
        pushed = self._context.launch_configurations.get("ros_namespace")
        space = make_namespace_absolute(prefix_namespace(pushed, self.text("namespace") or None))
        return (space or "").rstrip("/")

    def plugin(self, name: str, group: str) -> str:
        """The name of a plug-in, checked before anything starts; tasks like ``gym:<id>`` are left to their adapter.

        Raises:
            UnknownNameError: no such plug-in; the message lists those that exist.
        """
        value = self.text(name)
        if not group.endswith("tasks") or ":" not in value:
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
        return self._read(name, int, "a whole number")

    def number(self, name: str) -> float:
        """A number.

        Raises:
            ValueError: anything else.
        """
        return self._read(name, float, "a number")

    def _read(self, name: str, kind: Callable[[str], Number], valid: str) -> Number:
        value = self.text(name)
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"launch argument {name} is '{value}'; valid: {valid}") from None

    def shown(self) -> int:
        """How many demonstrations the operators show; none where bags have them."""
        return 0 if self.data() else self.integer("demonstrations")

    def shows(self, task: str, arm: str = "", trained: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Parameter of each node that builds a simulated task: what it shows; none where its default is taken.

        Args:
            task: its name.
            arm: the arm that is named instead of a simulation; empty: none.
            trained: what a checkpoint that is to act says of itself: in its own task it is shown what it was then.

        Raises:
            ValueError: an arm is named, which has its cameras from its file, or the checkpoint was shown something
                else.
        """
        observation = self.text("observation")
        if arm and observation:
            raise ValueError(
                f"launch argument observation is '{observation}', but what arm:={arm} sees is in its file; leave it out"
            )
        recorded = trained.get("observation", "") if trained and not arm and trained.get("task") == task else ""
        if recorded and observation not in ("", recorded):
            raise ValueError(
                f"launch argument observation is '{observation}', but the checkpoint was trained with "
                f"observation:={recorded}; leave it out"
            )
        observation = observation or recorded
        return {f"{task.partition(':')[0]}.observation": observation} if observation else {}

    def data(self) -> dict[str, Any]:
        """Parameters of the learner for the bags that it is given, absolute paths; none where it is given none.

        Raises:
            ValueError: a path where nothing is, or updates from no bags.
        """
        updates = self.integer("offline_updates")
        if self.text("offline"):
            bags = {"offline": self.bags("offline", "bags")}
            return {**bags, "offline_updates": updates} if updates else bags
        if updates:
            raise ValueError(
                f"launch argument offline_updates is '{updates}'; name the bags to learn from by offline:="
            )
        if self.text("demonstrations").isdecimal():
            return {}
        return {"demonstrations": self.bags("demonstrations", "a whole number, or bags")}

    def bags(self, name: str, valid: str) -> list[str]:
        """Directories that are named, separated by commas; absolute paths.

        Raises:
            ValueError: a path where nothing is.
        """
        texts = [text.strip() for text in self.text(name).split(",")]
        paths = [Path(text).expanduser().resolve() for text in texts]
        for text, path in zip(texts, paths, strict=True):
            if not text or not path.is_dir():
                raise ValueError(
                    f"launch argument {name} names '{text}', which is no directory; valid: {valid}, run directories or "
                    "folders of bags, separated by commas"
                )
        return [str(path) for path in paths]
