"""Record demonstrations: bridge, device, teleop and recorder. Nothing learns; what nobody steers stands still."""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.launching import COMMON, PROFILES, Arguments, declare, environment, managed
from vlmrl_ros.bridge.teaching import dated
from vlmrl_ros.core import registry

ARGUMENTS = {
    **COMMON,
    "headless": ("false", "run without MuJoCo's viewer", ("true", "false")),
    "arm": ("", "record on this arm, by name or YAML file; empty: in simulation"),
    "operator": ("joystick", "who shows how it is done", ("joystick", "spacemouse", "scripted")),
    "profile": ("", "joystick profile by name or YAML file; empty: the operator's usual one"),
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
    task = load_arm(name)[0].general.task if name else a.plugin("task", "tasks")
    shows = a.shows(task, name)
    scripted = operator == "scripted"
    recorder = {
        "directory": a.text("directory") or f"demonstrations/{dated(task)}",
        "keep": a.text("keep"),
        "episodes": a.integer("episodes"),
        "announce": True,
    }
    profile = a.text("profile") or PROFILES[operator]
    teleop = {"profile": profile, "joy_sync": scripted, "arbiter.policy_acts": False}
    if scripted:
        registry.check("operators", task)
    person = {"operator": task, "seed": seed, "demonstrations": ENDLESS} if scripted else {}
    nodes = [
        ("recorder", recorder),
        ("policy_server", {"policy": "still"}),
        ("teleop", teleop),
        ("scripted_operator" if scripted else operator, person),
        ("arm_bridge", {"arm": name, "seed": seed}) if name else ("sim_bridge", _simulation(a, task, shows, scripted)),
    ]
    robot = [("sim_arm", {"cell": task, "seed": seed})] if name == "sim_arm" else []
    own_clock = {"use_sim_time": False} if name else {}
    return managed(a, *([(node, {**own_clock, **given}) for node, given in rows] for rows in (nodes, robot)))


def _simulation(a: Arguments, task: str, shows: dict[str, str], scripted: bool) -> dict[str, Any]:
    return {
        "task": task,
        **shows,
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "lockstep" if scripted else "realtime",
        "recorder_lag_steps": LAG_STEPS if scripted else -1,
    }
