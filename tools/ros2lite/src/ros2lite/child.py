"""One child process in a process group of its own, so that it and all it starts can be signalled and stopped."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_CHUNK_BYTES = 65536
_POLL_S = 0.02


@dataclass(frozen=True)
class ChildSpec:
    """What to start.

    Attributes:
        cmd: argument vector; with `shell`, its parts are joined by blanks and given to `/bin/sh -c`.
        cwd: working directory; None keeps the launcher's.
        env: complete environment.
        shell: run through the shell.
        terminal: columns and rows of the pseudo terminals for stdout and stderr; None gives pipes.
    """

    cmd: tuple[str, ...]
    cwd: str | None
    env: Mapping[str, str]
    shell: bool = False
    terminal: tuple[int, int] | None = None


class Child:
    """A running process. Make it with `start`."""

    def __init__(
        self, process: asyncio.subprocess.Process, streams: dict[int, int], sink: Callable[[int, bytes], None]
    ) -> None:
        """Read `streams` (file descriptor to 1 for stdout, 2 for stderr) into `sink(stream, data)`."""
        self._process = process
        self._open = dict(streams)
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        for descriptor in streams:
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, descriptor)

    @classmethod
    async def start(cls, spec: ChildSpec, sink: Callable[[int, bytes], None]) -> Child:
        """Start the process.

        Raises:
            OSError: the executable or the working directory does not exist or may not be used.
        """
        pairs = [_pipe_or_terminal(spec.terminal) for _ in range(2)]
        try:
            process = await _start(spec, stdout=pairs[0][1], stderr=pairs[1][1])
        except BaseException:
            for reader, _ in pairs:
                os.close(reader)
            raise
        finally:
            for _, writer in pairs:
                os.close(writer)
        return cls(process, {pairs[0][0]: 1, pairs[1][0]: 2}, sink)

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, minus the signal number if a signal ended it, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the process itself has ended and hand all it wrote to the sink."""
        code = await self._process.wait()
        for descriptor in list(self._open):
            while self._read(descriptor):
                pass
            self._close(descriptor)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the process and all it started; a group that has gone is no error."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    async def stop_group(self, grace_s: float) -> None:
        """After the process has ended: stop what it left behind with SIGTERM, and SIGKILL after `grace_s` seconds."""
        if not self._group_alive():
            return
        self.signal(signal.SIGTERM)
        deadline = self._loop.time() + grace_s
        while self._group_alive():
            if self._loop.time() > deadline:
                self.signal(signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_S)

    def _group_alive(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _read(self, descriptor: int) -> bool:
        """Read once; False when there is nothing now or never again."""
        try:
            data = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:  # a pseudo terminal says EIO when its last writer has gone
                raise
            data = b""
        if not data:
            self._close(descriptor)
            return False
        self._sink(self._open[descriptor], data)
        return True

    def _close(self, descriptor: int) -> None:
        if self._open.pop(descriptor, None) is not None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)


async def _start(spec: ChildSpec, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    program = ["/bin/sh", "-c", " ".join(spec.cmd)] if spec.shell else list(spec.cmd)
    return await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        cwd=spec.cwd,
        env=dict(spec.env),
        preexec_fn=os.setpgrp,  # not a new session: a node may write a live line on the terminal
    )


def _pipe_or_terminal(terminal: tuple[int, int] | None) -> tuple[int, int]:
    """A pair of descriptors to read from and to write to."""
    if terminal is None:
        return os.pipe()
    reader, writer = pty.openpty()
    columns, rows = terminal
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return reader, writer
