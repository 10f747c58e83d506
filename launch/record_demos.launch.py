"""Record demonstrations: bridge, device, teleop and recorder. Nothing learns; what nobody steers stands still.

With operator:=script nobody steers: a policy says what to do next, and why, for models that are to learn to say it.
"""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, PROFILES, Arguments, declare
from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.launching import environment, managed
from vlmrl_ros.bridge.teaching import PERSONS, dated
from vlmrl_ros.core import registry

ARGUMENTS = {
    **COMMON,
    "headless": ("false", "run without MuJoCo's viewer", ("true", "false")),
    "arm": ("", "record on this arm, by name or YAML file; empty: in simulation"),
    "operator": (
        "joystick",
        "who shows how it is done; script: in words, with thoughts, for learner:=vlm_sft",
        ("joystick", "spacemouse", "scripted", "script"),
    ),
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
    recorder = {
        "directory": a.text("directory") or f"demonstrations/{dated(task)}",
        "keep": a.text("keep"),
        "episodes": a.integer("episodes"),
        "announce": True,
    }
    nodes = [
        ("recorder", recorder),
        ("policy_server", {"policy": "script" if operator == "script" else "still"}),
        ("teleop", _teleop(a, operator)),
        *_person(operator, task, seed),
        ("arm_bridge", {"arm": name, "seed": seed}) if name else ("sim_bridge", _simulation(a, task, shows, operator)),
    ]
    robot = [("sim_arm", {"cell": task, "seed": seed})] if name == "sim_arm" else []
    own_clock = {"use_sim_time": False} if name else {}
    return managed(a, *([(node, {**own_clock, **given}) for node, given in rows] for rows in (nodes, robot)))


def _teleop(a: Arguments, operator: str) -> dict[str, Any]:
    policy_acts = operator == "script"
    profile = a.text("profile") or PROFILES[operator]
    return {"profile": profile, "joy_sync": operator == "scripted", "arbiter.policy_acts": policy_acts}


def _person(operator: str, task: str, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """The node of whoever is at the joystick; none where all is said.

    Raises:
        UnknownNameError: the scripted operator does not know the task.
    """
    if operator == "script":
        return []
    if operator != "scripted":
        return [(operator, {})]
    registry.check("operators", task)
    return [("scripted_operator", {"operator": task, "seed": seed, "demonstrations": ENDLESS})]


def _simulation(a: Arguments, task: str, shows: dict[str, str], operator: str) -> dict[str, Any]:
    waits = operator not in PERSONS
    return {
        "task": task,
        **shows,
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "lockstep" if waits else "realtime",
        "recorder_lag_steps": LAG_STEPS if waits else -1,
    }
