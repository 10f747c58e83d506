"""Handlers: which events they take and which entities follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from launch.event import Event
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_entities_type import SomeEntitiesType

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class BaseEventHandler:
    """Takes the events its matcher accepts, once or always."""

    def __init__(self, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        """Keep the matcher; with `handle_once` the handler removes itself at the first event."""
        self._matcher = matcher
        self._handle_once = handle_once

    @property
    def handle_once(self) -> bool:
        """True if the handler removes itself at the first event."""
        return self._handle_once

    def matches(self, event: Event) -> bool:
        """Decide whether this event is taken."""
        return self._matcher(event)

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """Text for messages and the entities known beforehand."""
        return f"{type(self).__name__}(...)", []

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Handle one event; return entities to visit."""
        context.extend_locals({"event": event})
        if self._handle_once:
            context.unregister_event_handler(self)
        return None


class EventHandler(BaseEventHandler):
    """Answers each matching event with fixed entities."""

    def __init__(
        self,
        *,
        matcher: Callable[[Event], bool],
        entities: SomeEntitiesType | None = None,
        handle_once: bool = False,
    ) -> None:
        """Keep the matcher and the entities."""
        super().__init__(matcher=matcher, handle_once=handle_once)
        self._entities = as_entities(entities)

    @property
    def entities(self) -> list[LaunchDescriptionEntity]:
        """The entities visited for each matching event."""
        return self._entities

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """See the base class."""
        return f"{type(self).__name__}(...)", list(self._entities)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """See the base class."""
        super().handle(event, context)
        return self._entities


def as_entities(entities: SomeEntitiesType | None) -> list[LaunchDescriptionEntity]:
    """One entity, several or None as a list.

    Raises:
        TypeError: something else is among them.
    """
    if entities is None:
        return []
    listed = list(entities) if isinstance(entities, Iterable) else [entities]
    for entity in listed:
        if entity is not None and not isinstance(entity, LaunchDescriptionEntity):
            raise TypeError(f"expected launch actions or descriptions, got {entity!r} of type {type(entity).__name__}")
    return [entity for entity in listed if entity is not None]
