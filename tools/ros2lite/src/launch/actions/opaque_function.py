"""Python functions as actions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class OpaqueFunction(Action):
    """Calls `function(context, *args, **kwargs)`; what it returns is visited next."""

    def __init__(
        self,
        *,
        function: Callable[..., Iterable[LaunchDescriptionEntity] | None],
        args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        **left_over_kwargs: Any,
    ) -> None:
        """Call `function` when visited.

        Raises:
            TypeError: it cannot be called.
        """
        super().__init__(**left_over_kwargs)
        if not callable(function):
            raise TypeError(f"OpaqueFunction expects a function, got {function!r} of type {type(function).__name__}")
        self._function = function
        self._args = tuple(args or ())
        self._kwargs = dict(kwargs or {})

    def execute(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        """See the class."""
        return self._function(context, *self._args, **self._kwargs)


class OpaqueCoroutine(Action):
    """Runs `coroutine(context, *args, **kwargs)` beside the launch, which waits for its end."""

    def __init__(
        self,
        *,
        coroutine: Callable[..., Any],
        args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        ignore_context: bool = False,
        **left_over_kwargs: Any,
    ) -> None:
        """Start `coroutine` when visited; with `ignore_context` it is not handed the context."""
        super().__init__(**left_over_kwargs)
        self._coroutine = coroutine
        self._args = tuple(args or ())
        self._kwargs = dict(kwargs or {})
        self._ignore_context = ignore_context
        self._task: asyncio.Task[Any] | None = None

    def execute(self, context: LaunchContext) -> None:
        """See the class; a shutdown of the launch cancels the coroutine."""
        from launch.event_handlers import OnShutdown

        first = () if self._ignore_context else (context,)
        task = asyncio.ensure_future(self._coroutine(*first, *self._args, **self._kwargs))
        context.register_event_handler(OnShutdown(on_shutdown=lambda event, context: task.cancel() and None))
        self._task = task

    def get_asyncio_future(self) -> asyncio.Future[Any] | None:
        """See the base class."""
        return self._task
