"""Actions on events and handlers, and messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.event import Event
from launch.event_handler import BaseEventHandler
from launch.events import Shutdown as ShutdownEvent
from launch.events.process import ProcessExited
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.logging import get_logger
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class EmitEvent(Action):
    """Queues an event."""

    def __init__(self, *, event: Event, **kwargs: Any) -> None:
        """Queue `event` when visited."""
        super().__init__(**kwargs)
        self.event = event

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.emit_event_sync(self.event)


class Shutdown(Action):
    """Shuts the launch down."""

    def __init__(self, *, reason: SomeSubstitutionsType = "reason not given", **kwargs: Any) -> None:
        """Shut down when visited, for this reason."""
        super().__init__(**kwargs)
        self.reason = normalize_to_list_of_substitutions(reason)

    def execute(self, context: LaunchContext) -> None:
        """See the class; as the answer to the end of a process, say that it was required."""
        event = context.get_locals_as_dict().get("event")
        if isinstance(event, ProcessExited) and not context.is_shutdown:
            get_logger("launch").info("process[%s] was required: shutting down launched system", event.process_name)
        context.emit_event_sync(ShutdownEvent(reason=expand(context, self.reason)))


class RegisterEventHandler(Action):
    """Adds a handler."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs: Any) -> None:
        """Add `event_handler` when visited."""
        super().__init__(**kwargs)
        self.event_handler = event_handler

    def describe_conditional_sub_entities(self) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        """See the base class."""
        text, entities = self.event_handler.describe()
        return [(text, entities)] if entities else []

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.register_event_handler(self.event_handler)


class UnregisterEventHandler(Action):
    """Removes a handler."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs: Any) -> None:
        """Remove `event_handler` when visited."""
        super().__init__(**kwargs)
        self.event_handler = event_handler

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.unregister_event_handler(self.event_handler)


class LogInfo(Action):
    """Writes a line."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Write `msg` when visited."""
        super().__init__(**kwargs)
        self.msg = normalize_to_list_of_substitutions(msg)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        get_logger("launch.user").info("%s", expand(context, self.msg))
