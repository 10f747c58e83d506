"""Handlers launch files register."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.event import Event
from launch.event_handler import BaseEventHandler, as_entities
from launch.events import ExecutionComplete, Shutdown
from launch.events.process import ProcessExited, ProcessIO, ProcessStarted
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_entities_type import SomeEntitiesType
from ros2lite.errors import missing

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = ["OnExecutionComplete", "OnProcessExit", "OnProcessIO", "OnProcessStart", "OnShutdown", "event_named"]

Target = Action | Callable[[Action], bool] | None
Reaction = SomeEntitiesType | Callable[..., Any] | None


def event_named(name: str) -> Callable[[Event], bool]:
    """Matcher for events by name."""
    return lambda event: event.name == name


class _Reacting(BaseEventHandler):
    """Answers with fixed entities or with what a function of event and context returns."""

    def __init__(self, reaction: Reaction, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        super().__init__(matcher=matcher, handle_once=handle_once)
        self._function = reaction if callable(reaction) else None
        self._entities = [] if self._function else as_entities(reaction)  # type: ignore[arg-type]

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """See the base class."""
        return f"{type(self).__name__}(...)", list(self._entities)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """See the base class."""
        super().handle(event, context)
        return self._function(event, context) if self._function else self._entities


class _OnActionEvent(_Reacting):
    """Takes events of one class that an action, or actions a function selects, caused."""

    event_class: type[Any] = Event

    def __init__(self, target: Target, reaction: Reaction, *, handle_once: bool = False) -> None:
        if not (target is None or isinstance(target, Action) or callable(target)):
            raise TypeError(
                f"{type(self).__name__}: target_action is {target!r}, expected an action or a function of one"
            )
        self._target = target
        super().__init__(reaction, matcher=self._selects, handle_once=handle_once)

    def _selects(self, event: Event) -> bool:
        if not isinstance(event, self.event_class):
            return False
        if self._target is None or isinstance(self._target, Action):
            return self._target in (None, event.action)
        return self._target(event.action)


class OnExecutionComplete(_OnActionEvent):
    """After an action has been executed."""

    event_class = ExecutionComplete

    def __init__(self, *, target_action: Target = None, on_completion: Reaction, handle_once: bool = False) -> None:
        """React to `target_action` (None: any) with `on_completion`."""
        super().__init__(target_action, on_completion, handle_once=handle_once)


class OnProcessExit(_OnActionEvent):
    """After a process has ended."""

    event_class = ProcessExited

    def __init__(self, *, target_action: Target = None, on_exit: Reaction, handle_once: bool = False) -> None:
        """React to `target_action` (None: any) with `on_exit`."""
        super().__init__(target_action, on_exit, handle_once=handle_once)


class OnProcessStart(_OnActionEvent):
    """After a process has started."""

    event_class = ProcessStarted

    def __init__(self, *, target_action: Target = None, on_start: Reaction, handle_once: bool = False) -> None:
        """React to `target_action` (None: any) with `on_start`."""
        super().__init__(target_action, on_start, handle_once=handle_once)


class OnProcessIO(_OnActionEvent):
    """While a process writes."""

    event_class = ProcessIO

    def __init__(
        self,
        *,
        target_action: Target = None,
        on_stdin: Callable[[ProcessIO], Any] | None = None,
        on_stdout: Callable[[ProcessIO], Any] | None = None,
        on_stderr: Callable[[ProcessIO], Any] | None = None,
        handle_once: bool = False,
    ) -> None:
        """React to the bytes of `target_action` (None: any) with a function for each stream."""
        self._reactions = {"from_stdin": on_stdin, "from_stdout": on_stdout, "from_stderr": on_stderr}
        super().__init__(target_action, self._react, handle_once=handle_once)

    def _react(self, event: ProcessIO, context: LaunchContext) -> SomeEntitiesType | None:
        for stream, reaction in self._reactions.items():
            if reaction is not None and getattr(event, stream):
                return reaction(event)
        return None


class OnShutdown(_Reacting):
    """When the launch shuts down."""

    def __init__(self, *, on_shutdown: Reaction, handle_once: bool = False) -> None:
        """React with `on_shutdown`."""
        super().__init__(on_shutdown, matcher=lambda event: isinstance(event, Shutdown), handle_once=handle_once)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
