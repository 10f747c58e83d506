"""Processes: start, output, respawn, and a stop that escalates."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.actions.events import Shutdown
from launch.actions.opaque_function import OpaqueFunction
from launch.actions.process_output import ProcessOutput
from launch.conditions import evaluate_condition_expression
from launch.descriptions import Executable
from launch.event_handler import EventHandler, as_entities
from launch.event_handlers import OnProcessExit, OnShutdown
from launch.events.process import ProcessExited, ProcessStarted, ShutdownProcess, SignalProcess
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.logging import get_logger, launch_config
from launch.some_entities_type import SomeEntitiesType
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions.launch_configuration import LaunchConfiguration
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from ros2lite.child import Child, ChildSpec
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

OnExit = SomeEntitiesType | Callable[[ProcessExited, "LaunchContext"], Any] | None
_NOT_STARTED = 127


_SIGTERM_TIMEOUT = LaunchConfiguration("sigterm_timeout", default=5)
_SIGKILL_TIMEOUT = LaunchConfiguration("sigkill_timeout", default=5)


class ExecuteLocal(Action):
    """Runs a process and tells handlers what becomes of it."""

    def __init__(  # noqa: PLR0913 (the keywords of the real class)
        self,
        *,
        process_description: Executable,
        shell: bool = False,
        sigterm_timeout: float | SomeSubstitutionsType = _SIGTERM_TIMEOUT,
        sigkill_timeout: float | SomeSubstitutionsType = _SIGKILL_TIMEOUT,
        emulate_tty: bool = False,
        output: SomeSubstitutionsType | dict[str, Any] = "log",
        output_format: str = "[{this.process_description.final_name}] {line}",
        cached_output: bool = False,
        log_cmd: bool = False,
        on_exit: OnExit = None,
        respawn: bool | SomeSubstitutionsType = False,
        respawn_delay: float | SomeSubstitutionsType | None = None,
        respawn_max_retries: int | SomeSubstitutionsType = -1,
        **kwargs: Any,
    ) -> None:
        """Run the process when visited.

        Args:
            process_description: command, folder, environment.
            shell: let the shell interpret the command.
            sigterm_timeout: seconds from SIGINT to SIGTERM.
            sigkill_timeout: seconds from SIGTERM to SIGKILL.
            emulate_tty: give it pseudo terminals; the launch configuration `emulate_tty` overrides this.
            output: screen, log, both, own_log, full, or a dict of these by stdout, stderr and both.
            output_format: of each line, with `line` and `this`.
            cached_output: keep the output for `get_stdout` and `get_stderr`.
            log_cmd: show the command.
            on_exit: entities, or a function of event and context that returns some, for when it ends; a process that
                such a function replaces does not fail the launch.
            respawn: start it again when it ends by itself.
            respawn_delay: seconds before that.
            respawn_max_retries: how often; negative is without limit.
        """
        super().__init__(**kwargs)
        self.process_description = process_description
        self.process_details: dict[str, Any] | None = None
        self._shell = shell
        self._timeouts = [_seconds(sigterm_timeout), _seconds(sigkill_timeout)]
        self._emulate_tty = emulate_tty
        self._output = ProcessOutput(
            self, os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT", output), output_format, cached_output
        )
        self._log_cmd = log_cmd
        self._on_exit = on_exit
        self._respawn = normalize_typed_substitution(respawn, bool)
        self._respawn_delay = _seconds(0.0 if respawn_delay is None else respawn_delay)
        self._respawn_max_retries = normalize_typed_substitution(respawn_max_retries, int)
        self._child: Child | None = None
        self._failed = False
        self._stop_wanted: asyncio.Event | None = None
        self._ended: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def return_code(self) -> int | None:
        """Exit code of the last run, minus the signal number if a signal ended it; None before that."""
        return None if self._child is None else self._child.returncode

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """See the base class."""
        return list(self._on_exit) if isinstance(self._on_exit, (list, tuple)) else []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """See the base class."""
        return self._task

    def get_stdout(self) -> str:
        """What it wrote to stdout, if `cached_output`."""
        return self._output.cached(1)

    def get_stderr(self) -> str:
        """What it wrote to stderr, if `cached_output`."""
        return self._output.cached(2)

    def execute(self, context: LaunchContext) -> None:
        """Start the process in the background.

        Raises:
            Ros2LiteError: the action has run before.
        """
        if self._task is not None:
            raise Ros2LiteError(f"process '{self.process_description.final_name}' was to be executed more than once")
        self.process_description.prepare(context, self)
        described = self.process_description
        self.process_details = {
            "action": self, "name": described.final_name, "cmd": described.final_cmd,
            "cwd": described.final_cwd, "env": described.final_env,
        }  # fmt: skip
        self._output.open(context)
        if context.is_shutdown:
            return
        self._stop_wanted, self._ended = asyncio.Event(), asyncio.Event()
        self._register(context)
        self._task = asyncio.create_task(self._run(context))

    def _register(self, context: LaunchContext) -> None:
        shutdown = EventHandler(
            matcher=lambda event: isinstance(event, ShutdownProcess) and event.process_matcher(self),
            entities=OpaqueFunction(function=self._stop),
        )
        signalled = EventHandler(
            matcher=lambda event: isinstance(event, SignalProcess) and event.process_matcher(self),
            entities=OpaqueFunction(function=lambda context: self._signal(context.locals.event.signal)),
        )
        context.register_event_handler(shutdown)
        context.register_event_handler(signalled)
        context.register_event_handler(OnShutdown(on_shutdown=lambda event, context: self._stop(context)))
        if self._on_exit is not None:
            answer = self._answering(self._on_exit) if callable(self._on_exit) else self._on_exit
            context.register_event_handler(OnProcessExit(target_action=self, on_exit=answer))

    def _answering(self, on_exit: Callable[[ProcessExited, LaunchContext], Any]) -> Callable[..., Any]:
        """The function, which also decides whether its process failed the launch.

        What it answers takes the place of the process that died, unless it answers nothing or shuts down.
        """

        def answer(event: ProcessExited, context: LaunchContext) -> Any:
            entities = as_entities(on_exit(event, context))
            if self._failed and (not entities or any(isinstance(entity, Shutdown) for entity in entities)):
                context.report_failure(event.returncode)
            return entities

        return answer

    async def _run(self, context: LaunchContext) -> None:
        assert self._stop_wanted is not None
        retries = 0
        limit = perform_typed_substitution(context, self._respawn_max_retries, int)
        respawn = perform_typed_substitution(context, self._respawn, bool)
        while not self._stop_wanted.is_set():
            code = await self._run_once(context)
            self._failed = code != 0 and not self._stop_wanted.is_set()
            if self._child is not None:
                context.emit_event_sync(ProcessExited(returncode=code, **self.process_details))  # type: ignore[arg-type]
                await self._child.stop_group(perform_typed_substitution(context, self._timeouts[1], float))
            if not respawn or 0 <= limit <= retries:
                if self._failed and (self._child is None or not callable(self._on_exit)):
                    context.report_failure(code)
                return
            retries += 1
            await _within(self._stop_wanted, perform_typed_substitution(context, self._respawn_delay, float))

    async def _run_once(self, context: LaunchContext) -> int:
        """Run it to its end; its exit code, or 127 if it could not start."""
        assert self.process_details is not None
        assert self._ended is not None
        assert self._stop_wanted is not None
        logger, cmd = self._logger, " ".join(self.process_details["cmd"])
        if self._log_cmd:
            logger.info("process details: cmd='%s', cwd='%s'", cmd, self.process_details["cwd"])
        try:
            self._child = await Child.start(
                self._spec(context), lambda stream, data: self._output.receive(context, stream, data)
            )
        except OSError as error:
            logger.error("cannot start '%s': %s", cmd, error)
            self._child = None
            return _NOT_STARTED
        self._ended.clear()
        self.process_details["pid"] = self._child.pid
        logger.info("process started with pid [%s]", self._child.pid)
        context.emit_event_sync(ProcessStarted(**self.process_details))
        if self._stop_wanted.is_set():
            self._escalate(context)
        code = await self._child.wait()
        self._ended.set()
        self._output.flush()
        if code == 0:
            logger.info("process has finished cleanly [pid %s]", self._child.pid)
        else:
            logger.error("process has died [pid %s, exit code %s, cmd '%s'].", self._child.pid, code, cmd)
        return code

    def _spec(self, context: LaunchContext) -> ChildSpec:
        described, terminal = self.process_description, None
        emulate = self._emulate_tty
        if "emulate_tty" in context.launch_configurations:
            emulate = evaluate_condition_expression(context, context.launch_configurations["emulate_tty"])
        if emulate:
            columns, rows = launch_config.screen.size() or (80, 24)
            terminal = (max(columns - len(self._output.formatted("")), 20), rows)
        return ChildSpec(
            tuple(described.final_cmd), described.final_cwd, described.final_env, shell=self._shell, terminal=terminal
        )

    def _stop(self, context: LaunchContext) -> None:
        """Stop the process now, or as soon as it has started, and do not respawn it."""
        if self._stop_wanted is None or self._stop_wanted.is_set():
            return
        self._stop_wanted.set()
        if self._child is not None and self._child.returncode is None:
            self._escalate(context)

    def _escalate(self, context: LaunchContext) -> None:
        timeouts_s = [perform_typed_substitution(context, timeout, float) for timeout in self._timeouts]
        self._stopping = asyncio.create_task(self._signal_until_ended(timeouts_s))

    async def _signal_until_ended(self, timeouts_s: list[float]) -> None:
        assert self._ended is not None
        steps = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
        for number, following, timeout_s in zip(steps, steps[1:], timeouts_s, strict=False):
            self._signal(number)
            if await _within(self._ended, timeout_s):
                return
            self._logger.error(
                "process[%s] failed to terminate '%s' seconds after receiving '%s', escalating to '%s'",
                self.process_description.final_name, timeout_s, number.name, following.name,
            )  # fmt: skip
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is None or self._child.returncode is not None:
            return
        self._logger.info("sending signal '%s' to process[%s]", number.name, self.process_description.final_name)
        self._child.signal(number)

    @property
    def _logger(self) -> logging.Logger:
        return get_logger(self.process_description.final_name)


def _seconds(value: float | SomeSubstitutionsType) -> Any:
    return normalize_typed_substitution(float(value) if isinstance(value, str) else value, float)


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for the event; False if it did not come in time."""
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except asyncio.TimeoutError:
        return False
    return True
