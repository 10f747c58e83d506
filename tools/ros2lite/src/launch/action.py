"""Base of actions: entities with a condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.launch_description_entity import LaunchDescriptionEntity
from ros2lite.errors import MissingFeatureError

if TYPE_CHECKING:
    from launch.condition import Condition
    from launch.launch_context import LaunchContext


class Action(LaunchDescriptionEntity):
    """Does something when visited, unless its condition says no."""

    def __init__(self, *, condition: Condition | None = None, **unknown: Any) -> None:
        """Keep the condition.

        Raises:
            MissingFeatureError: a keyword that no class on the way here takes.
        """
        if unknown:
            raise MissingFeatureError(f"{type(self).__name__}({', '.join(f'{key}=...' for key in sorted(unknown))})")
        self._condition = condition

    @property
    def condition(self) -> Condition | None:
        """The condition, None if the action always runs."""
        return self._condition

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """Entities this action brings along."""
        return []

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """See the base class."""
        return self.get_sub_entities() if self._condition is None else []

    def describe_conditional_sub_entities(self) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        """See the base class."""
        if self._condition is None:
            return []
        return [(f"Conditionally included by {self.describe()}", self.get_sub_entities())]

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        """Execute if the condition holds and announce the completion to whom it concerns."""
        if self._condition is not None and not self._condition.evaluate(context):
            return None
        try:
            return self.execute(context)
        finally:
            self._announce(context)

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        """Do the work; return entities to visit next."""
        return None

    def _announce(self, context: LaunchContext) -> None:
        from launch.events import ExecutionComplete

        event = ExecutionComplete(action=self)
        if not context.would_handle_event(event):
            return
        future = self.get_asyncio_future()
        if future is None:
            context.emit_event_sync(event)
        else:
            future.add_done_callback(lambda _: context.emit_event_sync(event))
