"""Events of ROS nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from launch_ros.events import lifecycle
from ros2lite.errors import missing

if TYPE_CHECKING:
    from launch_ros.actions import Node

__all__ = ["lifecycle", "matches_node_name"]


def matches_node_name(node_name: str) -> Callable[[Node], bool]:
    """Matcher for the node with this full name."""
    return lifecycle.matches_node_name(node_name)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
