"""Runs a launch: visits entities, hands events to handlers, ends when nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from launch.actions.opaque_function import OpaqueFunction
from launch.event import Event
from launch.event_handler import EventHandler, as_entities
from launch.event_handlers import OnShutdown
from launch.events import IncludeLaunchDescription, Shutdown
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.logging import get_logger, launch_config

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class LaunchService:
    """One launch; `run` once, from the main thread."""

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False, debug: bool = False) -> None:
        """Prepare a launch; `debug` also shows tracebacks."""
        launch_config.level = logging.DEBUG if debug else logging.INFO
        self.context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self._logger = get_logger("launch")
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._shutting_down = False
        self._interrupted = False
        self._failed = False
        visit = OpaqueFunction(function=lambda context: [context.locals.event.launch_description])
        self.context.register_event_handler(
            EventHandler(matcher=lambda event: isinstance(event, IncludeLaunchDescription), entities=visit)
        )
        self.context.register_event_handler(OnShutdown(on_shutdown=self._on_shutdown))

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop while the launch runs."""
        return self._loop

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Visit this description."""
        self.emit_event(IncludeLaunchDescription(launch_description))

    def emit_event(self, event: Event) -> None:
        """Queue an event, from any thread."""
        if self._loop is None or threading.get_ident() == self._thread:
            self.context.emit_event_sync(event)
        else:
            self._loop.call_soon_threadsafe(self.context.emit_event_sync, event)

    def shutdown(self, force_sync: bool = False) -> None:
        """Stop everything, from any thread; `run` returns when it is done."""
        self.emit_event(Shutdown(reason="LaunchService.shutdown() called"))

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run to the end.

        Returns:
            0; 1 after an error in the launch itself; else the exit code of the first process that failed by itself.
        """
        return asyncio.run(self.run_async(shutdown_when_idle=shutdown_when_idle))

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """Run to the end within a running loop; see `run`."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._news = asyncio.Event()
        self.context.asyncio_loop = self._loop
        self.context.on_event(self._news.set)
        for number in _STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._on_signal, number)
        try:
            self._logger.info("All log files can be found below %s", launch_config.log_dir)
            self._logger.info("Default logging verbosity is set to %s", logging.getLevelName(launch_config.level))
            await self._run_until_over(shutdown_when_idle)
        finally:
            for number in _STOP_SIGNALS:
                self._loop.remove_signal_handler(number)
            self.context.cleanup.close()
            self._loop = None
        return 1 if self._failed else self.context.failure

    async def _run_until_over(self, shutdown_when_idle: bool) -> None:
        assert self._news is not None
        while True:
            self._news.clear()
            self._guard(self._process_events)
            pending = self._pending()
            if self._news.is_set():
                continue
            if not pending and self._shutting_down:
                return
            if not pending and shutdown_when_idle:
                self._shut_down("idle")
                continue
            await self._wait_for_news(pending)

    async def _wait_for_news(self, pending: list[asyncio.Future[Any]]) -> None:
        assert self._news is not None
        news = asyncio.ensure_future(self._news.wait())
        await asyncio.wait({news, *pending}, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()

    def _process_events(self) -> None:
        while (event := self.context.next_event()) is not None:
            self._logger.debug("processing event %s", event.name)
            for handler in self.context.handlers_of(event):
                self.context.push_locals()
                try:
                    for entity in as_entities(handler.handle(event, self.context)):
                        self._visit(entity)
                finally:
                    self.context.pop_locals()

    def _visit(self, entity: LaunchDescriptionEntity) -> None:
        for following in as_entities(entity.visit(self.context)):  # type: ignore[arg-type]
            self._visit(following)
        future = entity.get_asyncio_future()
        if future is not None:
            self.context.add_completion_future(future)

    def _pending(self) -> list[asyncio.Future[Any]]:
        for future in self.context.take_done_futures():
            if not future.cancelled():
                self._guard(future.result)
        return self.context.pending_futures()

    def _guard(self, step: Callable[[], Any]) -> None:
        """Do a step; an error of the launch file shuts the launch down."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 (whatever a launch file raises stops the launch, and its processes)
            self._logger.debug("%s", traceback.format_exc())
            self._logger.error("Caught exception in launch (see debug for traceback): %s", error)
            self._failed = True
            self._shut_down(str(error))

    def _shut_down(self, reason: str, due_to_sigint: bool = False) -> None:
        if not self._shutting_down:
            self._shutting_down = True
            self.context.is_shutdown = True
            self.context.emit_event_sync(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def _on_shutdown(self, event: Shutdown, context: LaunchContext) -> None:
        self._shutting_down = True
        context.is_shutdown = True

    def _on_signal(self, number: signal.Signals) -> None:
        what = "user interrupted with ctrl-c (SIGINT)" if number is signal.SIGINT else f"received {number.name}"
        if self._interrupted:
            self._logger.warning("%s again, ignoring...", what)
            return
        self._interrupted = True
        self._logger.warning("%s", what)
        self._shut_down(what, due_to_sigint=True)
