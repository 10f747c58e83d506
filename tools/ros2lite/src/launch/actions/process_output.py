"""What a process writes: to the screen and log files, into the cache, and to handlers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from launch.events.process import ProcessStderr, ProcessStdout
from launch.logging import get_output_loggers, launch_config, normalize_output
from launch.utilities import expand
from ros2lite.errors import Ros2LiteError
from ros2lite.lines import LineBuffer

if TYPE_CHECKING:
    import logging

    from launch.actions.execute_local import ExecuteLocal
    from launch.launch_context import LaunchContext


class ProcessOutput:
    """Takes the bytes of both streams of one process."""

    def __init__(self, action: ExecuteLocal, output: Any, output_format: str, cached: bool) -> None:
        """Write as `output` says, each line in `output_format`; keep everything if `cached`."""
        if isinstance(output, (str, dict)):
            normalize_output(output)
        self._action = action
        self._output = output
        self._format = output_format
        self._cache: dict[int, list[bytes]] | None = {1: [], 2: []} if cached else None
        self._buffers = {1: LineBuffer(), 2: LineBuffer()}
        self._loggers: dict[int, logging.Logger] = {}
        self._live_streams: set[int] = set()

    def open(self, context: LaunchContext) -> None:
        """Set the loggers up; the process must have its name."""
        wanted = self._output if isinstance(self._output, dict) else expand(context, self._output)
        name = self._action.process_description.final_name
        self._loggers = dict(zip((1, 2), get_output_loggers(name, wanted), strict=True))
        places = normalize_output(wanted)
        for stream, source in ((1, "stdout"), (2, "stderr")):
            if "screen" in places.get(source, set()) | places.get("both", set()):
                self._live_streams.add(stream)

    def receive(self, context: LaunchContext, stream: int, data: bytes) -> None:
        """Take bytes of stream 1 or 2."""
        if self._cache is not None:
            self._cache[stream].append(data)
        buffer = self._buffers[stream]
        for line in buffer.feed(data):
            self._live(stream, None)
            self._loggers[stream].info("%s", self.formatted(line))
        live = buffer.live()
        if live is not None:
            self._live(stream, self.formatted(live))
        kind = ProcessStdout if stream == 1 else ProcessStderr
        event = kind(text=data, **self._action.process_details)  # type: ignore[arg-type]
        if context.would_handle_event(event):
            context.emit_event_sync(event)

    def flush(self) -> None:
        """Write what is left without a line end."""
        for stream, buffer in self._buffers.items():
            self._live(stream, None)
            for line in buffer.flush():
                self._loggers[stream].info("%s", self.formatted(line))

    def formatted(self, line: str) -> str:
        """One line with its prefix."""
        return self._format.format(line=line, this=self._action)

    def cached(self, stream: int) -> str:
        """All that stream 1 or 2 gave.

        Raises:
            Ros2LiteError: the action was made without `cached_output`.
        """
        if self._cache is None:
            raise Ros2LiteError("get_stdout and get_stderr need cached_output=True")
        return b"".join(self._cache[stream]).decode(errors="replace").replace("\r\n", os.linesep)

    def _live(self, stream: int, text: str | None) -> None:
        if stream in self._live_streams:
            launch_config.screen.live(f"{self._action.process_description.final_name}/{stream}", text)
