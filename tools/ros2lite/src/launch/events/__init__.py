"""Events of a launch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from launch.event import Event
from launch.events import process
from ros2lite.errors import missing

if TYPE_CHECKING:
    from launch.action import Action
    from launch.launch_description import LaunchDescription

__all__ = ["ExecutionComplete", "IncludeLaunchDescription", "Shutdown", "TimerEvent", "matches_action", "process"]


class ExecutionComplete(Event):
    """An action has been executed and its background work is over."""

    name = "launch.events.ExecutionComplete"

    def __init__(self, *, action: Action) -> None:
        """Of this action."""
        self.action = action


class IncludeLaunchDescription(Event):
    """Asks to visit a description."""

    name = "launch.events.IncludeLaunchDescription"

    def __init__(self, launch_description: LaunchDescription) -> None:
        """Of this description."""
        self.launch_description = launch_description


class Shutdown(Event):
    """Asks everything to stop."""

    name = "launch.events.Shutdown"

    def __init__(self, *, reason: str = "reason not given", due_to_sigint: bool = False) -> None:
        """Say why, and whether a signal to the launcher is the cause."""
        self.reason = reason
        self.due_to_sigint = due_to_sigint


class TimerEvent(Event):
    """A timer has run out."""

    name = "launch.events.TimerEvent"

    def __init__(self, *, timer_action: Action) -> None:
        """Of this action."""
        self.timer_action = timer_action


def matches_action(target_action: Action) -> Callable[[Action], bool]:
    """Matcher for one action."""
    return lambda action: action is target_action


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
