"""Handlers of ROS events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from launch.event import Event
from launch.event_handler import EventHandler
from launch.some_entities_type import SomeEntitiesType
from launch_ros.events.lifecycle import StateTransition
from ros2lite.errors import missing

if TYPE_CHECKING:
    from launch_ros.actions import LifecycleNode

__all__ = ["OnStateTransition"]


class OnStateTransition(EventHandler):
    """After a lifecycle node has gone from one state to another."""

    def __init__(
        self,
        *,
        entities: SomeEntitiesType,
        target_lifecycle_node: LifecycleNode | None = None,
        transition: str | None = None,
        start_state: str | None = None,
        goal_state: str | None = None,
        matcher: Callable[[Event], bool] | None = None,
        handle_once: bool = False,
    ) -> None:
        """Visit `entities` after the transitions that fit all that is given, or those `matcher` selects."""
        wanted = {
            "action": target_lifecycle_node, "transition": transition,
            "start_state": start_state, "goal_state": goal_state,
        }  # fmt: skip

        def fits(event: Event) -> bool:
            return isinstance(event, StateTransition) and all(
                value is None or getattr(event, key) == value for key, value in wanted.items()
            )

        super().__init__(matcher=matcher or fits, entities=entities, handle_once=handle_once)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
