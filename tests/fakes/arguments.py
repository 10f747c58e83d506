"""Launch arguments as a launch file sees them."""

from __future__ import annotations

from launch import LaunchContext

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare


def arguments(pushed: str = "", **given: str) -> Arguments:
    """The arguments as a launch file sees them: the defaults of COMMON, and what a user gave."""
    context = LaunchContext()
    if pushed:
        context.launch_configurations["ros_namespace"] = pushed
    context.launch_configurations.update(given)
    for action in declare(COMMON):
        action.visit(context)
    return Arguments(context)
