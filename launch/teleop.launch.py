"""Drive a simulated arm by hand: bridge, device, teleop. Nothing learns; what nobody steers stands still."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.launching import environment, managed
from vlmrl_ros.bridge.operators import PERSONS, PROFILE, device_nodes, operator_argument, teleop_parameters

ARGUMENTS = {
    **COMMON,
    "headless": ("false", "run without MuJoCo's viewer", ("true", "false")),
    "operator": operator_argument("who drives", *PERSONS),
    "profile": PROFILE,
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    bridge = {
        "task": a.plugin("task", "tasks"),
        **a.shows(a.text("task")),
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "realtime",
    }
    nodes = {**device_nodes(a), "teleop": teleop_parameters(a), "sim_bridge": bridge}
    return managed(a, nodes.items())
