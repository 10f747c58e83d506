"""Events of lifecycle nodes. Numbers and labels are those of `lifecycle_msgs`, which this module does not import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from launch.event import Event
from ros2lite.errors import Ros2LiteError, missing

if TYPE_CHECKING:
    from launch_ros.actions import LifecycleNode

__all__ = ["ChangeState", "StateTransition", "matches_node_name"]

Matcher = Callable[["LifecycleNode"], bool]


class ChangeState(Event):
    """Asks lifecycle nodes for a transition."""

    name = "launch_ros.events.lifecycle.ChangeState"
    valid_transitions: ClassVar[dict[int, str]] = {
        0: "TRANSITION_CREATE",
        1: "TRANSITION_CONFIGURE",
        2: "TRANSITION_CLEANUP",
        3: "TRANSITION_ACTIVATE",
        4: "TRANSITION_DEACTIVATE",
        5: "TRANSITION_UNCONFIGURED_SHUTDOWN",
        6: "TRANSITION_INACTIVE_SHUTDOWN",
        7: "TRANSITION_ACTIVE_SHUTDOWN",
        8: "TRANSITION_DESTROY",
    }

    def __init__(self, *, lifecycle_node_matcher: Matcher, transition_id: int) -> None:
        """Ask the nodes the matcher selects.

        Raises:
            Ros2LiteError: no such transition.
        """
        if transition_id not in self.valid_transitions:
            valid = ", ".join(f"{label}: {number}" for number, label in self.valid_transitions.items())
            raise Ros2LiteError(f"transition_id is {transition_id!r}, expected one of {{{valid}}}")
        self.lifecycle_node_matcher = lifecycle_node_matcher
        self.transition_id = transition_id


class StateTransition(Event):
    """A lifecycle node has gone from one state to another."""

    name = "launch_ros.events.lifecycle.StateTransition"

    def __init__(self, *, action: LifecycleNode, msg: Any) -> None:
        """From a `lifecycle_msgs/msg/TransitionEvent`."""
        self.action = action
        self.msg = msg
        self.timestamp: int = msg.timestamp
        self.transition: str = msg.transition.label
        self.start_state: str = msg.start_state.label
        self.goal_state: str = msg.goal_state.label


def matches_node_name(node_name: str) -> Matcher:
    """Matcher for the node with this full name."""
    wanted = node_name if node_name.startswith("/") else f"/{node_name}"
    return lambda action: action.node_name == wanted


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
