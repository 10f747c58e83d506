"""Stand-in for the `launch_ros` package of ROS 2: the same import paths for Python launch files."""

from __future__ import annotations

from launch_ros import actions, descriptions, event_handlers, events, parameter_descriptions, substitutions
from ros2lite.errors import missing

__all__ = ["actions", "descriptions", "event_handlers", "events", "parameter_descriptions", "substitutions"]


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
