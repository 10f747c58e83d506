"""Record demonstrations: bridge, device, teleop and recorder. Nothing learns; what nobody steers stands still.

With operator:=script nobody steers: a policy says what to do next, and why, for models that are to learn to say it.
"""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.launching import environment, managed
from vlmrl_ros.bridge.operators import (
    PERSONS,
    PROFILE,
    by_hand,
    check_attended,
    check_scripted,
    device_nodes,
    operator_argument,
    teleop_parameters,
)
from vlmrl_ros.bridge.teaching import dated

ARGUMENTS = {
    **COMMON,
    "headless": ("false", "run without MuJoCo's viewer", ("true", "false")),
    "arm": ("", "record on this arm, by name or YAML file; empty: in simulation"),
    "operator": operator_argument("who shows how it is done", *PERSONS, "scripted", "script"),
    "profile": PROFILE,
    "directory": ("", "where the bags go; empty: demonstrations/<task>_<time>"),
    "keep": ("success", "episodes that stay: those that succeeded, or all", ("success", "all")),
    "episodes": ("0", "end when so many episodes were kept; 0: at Ctrl-C"),
}
LAG_STEPS = 8
"""In lockstep the simulation may run so far ahead of the recorder."""
ENDLESS = 100_000
"""Demonstrations of the scripted operator, who shows nothing else here."""


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    operator, name, seed = a.text("operator"), a.text("arm"), a.integer("seed")
    check_attended(a, name)
    task = load_arm(name)[0].general.task if name else a.plugin("task", "tasks")
    shows = a.shows(task, name)
    recorder = {
        "directory": a.text("directory") or f"demonstrations/{dated(task)}",
        "keep": a.text("keep"),
        "episodes": a.integer("episodes"),
        "announce": True,
    }
    nodes = [
        ("recorder", recorder),
        ("policy_server", {"policy": "script" if operator == "script" else "still"}),
        ("teleop", {**teleop_parameters(a), "arbiter.policy_acts": operator == "script"}),
        *_operator(a, task).items(),
        ("arm_bridge", {"arm": name, "seed": seed}) if name else ("sim_bridge", _simulation(a, task, shows)),
    ]
    robot = [("sim_arm", {"cell": task, "seed": seed})] if name == "sim_arm" else []
    own_clock = {"use_sim_time": False} if name else {}
    return managed(a, *([(node, {**own_clock, **given}) for node, given in rows] for rows in (nodes, robot)))


def _operator(a: Arguments, task: str) -> dict[str, dict[str, Any]]:
    """The node of who shows: executable to parameters; empty where there is none.

    Raises:
        ConfigError: the scripted operator does not know the task.
    """
    if a.text("operator") != "scripted":
        return device_nodes(a)
    check_scripted(task, *PERSONS)
    return {"scripted_operator": {"operator": task, "seed": a.integer("seed"), "demonstrations": ENDLESS}}


def _simulation(a: Arguments, task: str, shows: dict[str, str]) -> dict[str, Any]:
    waits = not by_hand(a)
    return {
        "task": task,
        **shows,
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "lockstep" if waits else "realtime",
        "recorder_lag_steps": LAG_STEPS if waits else -1,
    }
