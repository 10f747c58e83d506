"""Drive a simulated arm by hand: bridge, device, teleop. Nothing learns; what nobody steers stands still."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.launching import environment, managed

ARGUMENTS = {
    **COMMON,
    "headless": ("false", "run without MuJoCo's viewer", ("true", "false")),
    "operator": ("joystick", "device to drive with", ("joystick", "spacemouse", "none")),
    "profile": ("", "joystick profile by name or YAML file; empty: the operator's usual one"),
}
PROFILES = {"joystick": "xbox", "spacemouse": "spacemouse", "none": "xbox"}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    operator = a.text("operator")
    bridge = {
        "task": a.plugin("task", "tasks"),
        **a.shows(a.text("task")),
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "realtime",
    }
    nodes = [("teleop", {"profile": a.text("profile") or PROFILES[operator]}), ("sim_bridge", bridge)]
    return managed(a, nodes if operator == "none" else [(operator, {}), *nodes])
