"""State of one running launch: configurations, environment, locals, events."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import ExitStack
from typing import Any

from launch.event import Event
from launch.event_handler import BaseEventHandler
from launch.substitution import Substitution


class Locals:
    """Read-only attribute view of the context's locals."""

    def __init__(self, values: dict[str, Any]) -> None:
        """View `values`."""
        self.__dict__["_values"] = values

    def __getattr__(self, name: str) -> Any:
        """Look a local up."""
        if name not in self._values:
            raise AttributeError(
                f"context.locals has no '{name}', it has: {', '.join(sorted(self._values)) or 'nothing'}"
            )
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse."""
        raise AttributeError(f"context.locals.{name} is read-only")


class LaunchContext:
    """Handed to every action, substitution and handler."""

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False) -> None:
        """Start empty; the environment is the process's own."""
        self.argv = list(argv or [])
        self.noninteractive = noninteractive
        self.is_shutdown = False
        self.asyncio_loop: asyncio.AbstractEventLoop | None = None
        self.cleanup = ExitStack()
        self.failure = 0
        self.launch_configurations: dict[str, Any] = {}
        self._configuration_stack: list[dict[str, Any]] = []
        self._environment_stack: list[dict[str, str]] = []
        self._initial_environment = dict(os.environ)
        self._globals: dict[str, Any] = {}
        self._locals: dict[str, Any] = {}
        self._locals_stack: list[dict[str, Any]] = []
        self._handlers: deque[BaseEventHandler] = deque()
        self._events: deque[Event] = deque()
        self._wake: Callable[[], None] | None = None
        self._futures: list[asyncio.Future[Any]] = []

    @property
    def environment(self) -> MutableMapping[str, str]:
        """Environment that children get."""
        return os.environ

    @property
    def locals(self) -> Locals:
        """Values of the innermost scope (`event`, `current_launch_file_path`, ...) as attributes."""
        return Locals(self.get_locals_as_dict())

    def get_locals_as_dict(self) -> dict[str, Any]:
        """Globals and locals, merged."""
        return {**self._globals, **self._locals}

    def extend_globals(self, extensions: dict[str, Any]) -> None:
        """Add values that stay."""
        self._globals.update(extensions)

    def extend_locals(self, extensions: dict[str, Any]) -> None:
        """Add values that live as long as the event being handled."""
        self._locals = {**self._locals, **extensions}

    def push_locals(self) -> None:
        """Open a scope of locals."""
        self._locals_stack.append(self._locals)

    def pop_locals(self) -> None:
        """Close the innermost scope of locals."""
        self._locals = self._locals_stack.pop()

    def push_launch_configurations(self) -> None:
        """Remember all launch configurations."""
        self._configuration_stack.append(dict(self.launch_configurations))

    def pop_launch_configurations(self) -> None:
        """Return to the launch configurations remembered last."""
        if not self._configuration_stack:
            raise RuntimeError("PopLaunchConfigurations without a PushLaunchConfigurations before it")
        self.launch_configurations = self._configuration_stack.pop()

    def push_environment(self) -> None:
        """Remember the environment."""
        self._environment_stack.append(dict(os.environ))

    def pop_environment(self) -> None:
        """Return to the environment remembered last."""
        if not self._environment_stack:
            raise RuntimeError("PopEnvironment without a PushEnvironment before it")
        self._restore_environment(self._environment_stack.pop())

    def reset_environment(self) -> None:
        """Return to the environment the launch started with."""
        self._restore_environment(self._initial_environment)

    def register_event_handler(self, event_handler: BaseEventHandler, append: bool = False) -> None:
        """Add a handler in front of the others, or behind them with `append`."""
        (self._handlers.append if append else self._handlers.appendleft)(event_handler)

    def unregister_event_handler(self, event_handler: BaseEventHandler) -> None:
        """Remove a handler.

        Raises:
            ValueError: it is not registered.
        """
        self._handlers.remove(event_handler)

    def would_handle_event(self, event: Event) -> bool:
        """True if some handler takes this event."""
        return any(handler.matches(event) for handler in self._handlers)

    def handlers_of(self, event: Event) -> list[BaseEventHandler]:
        """Handlers that take this event, in order."""
        return [handler for handler in tuple(self._handlers) if handler.matches(event)]

    def emit_event_sync(self, event: Event) -> None:
        """Queue an event; from the loop's thread only."""
        self._events.append(event)
        if self._wake is not None:
            self._wake()

    async def emit_event(self, event: Event) -> None:
        """Queue an event."""
        self.emit_event_sync(event)

    def next_event(self) -> Event | None:
        """Take the oldest event from the queue; None if it is empty."""
        return self._events.popleft() if self._events else None

    def on_event(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever an event has been queued."""
        self._wake = wake

    def add_completion_future(self, completion_future: asyncio.Future[Any]) -> None:
        """Keep the launch from ending before this future is done."""
        self._futures.append(completion_future)

    def take_done_futures(self) -> list[asyncio.Future[Any]]:
        """Remove and return the futures that are done."""
        done = [future for future in self._futures if future.done()]
        self._futures = [future for future in self._futures if future not in done]
        return done

    def pending_futures(self) -> list[asyncio.Future[Any]]:
        """Futures that keep the launch from ending."""
        return list(self._futures)

    def report_failure(self, returncode: int) -> None:
        """A process failed and will not be respawned; the first failure becomes the launch's exit code.

        Args:
            returncode: exit code, or minus the signal number (then 128 + signal is reported, as shells do).
        """
        self.failure = self.failure or (128 - returncode if returncode < 0 else returncode)

    def perform_substitution(self, substitution: Substitution) -> str:
        """Compute one substitution."""
        return substitution.perform(self)

    @staticmethod
    def _restore_environment(values: dict[str, str]) -> None:
        os.environ.clear()
        os.environ.update(values)
