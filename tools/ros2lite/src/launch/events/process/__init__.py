"""Events of the processes of a launch."""

from __future__ import annotations

import signal as signals
from collections.abc import Callable
from typing import TYPE_CHECKING

from launch.event import Event
from ros2lite.errors import Ros2LiteError, missing

if TYPE_CHECKING:
    from launch.actions.execute_local import ExecuteLocal

__all__ = [
    "ProcessExited",
    "ProcessIO",
    "ProcessStarted",
    "ProcessStderr",
    "ProcessStdin",
    "ProcessStdout",
    "ProcessTargetedEvent",
    "RunningProcessEvent",
    "ShutdownProcess",
    "SignalProcess",
    "matches_executable",
    "matches_name",
    "matches_pid",
]

Matcher = Callable[["ExecuteLocal"], bool]


class RunningProcessEvent(Event):
    """Something a process did."""

    name = "launch.events.process.RunningProcessEvent"

    def __init__(
        self, *, action: ExecuteLocal, name: str, cmd: list[str], cwd: str | None, env: dict[str, str] | None, pid: int
    ) -> None:
        """Describe the process: its action, name (`exe-1`), argument vector, folder, environment and id."""
        self.action = action
        self.process_name = name
        self.cmd = cmd
        self.cwd = cwd
        self.env = env
        self.pid = pid

    @property
    def execute_process_action(self) -> ExecuteLocal:
        """The action that started it."""
        return self.action


class ProcessStarted(RunningProcessEvent):
    """A process runs."""

    name = "launch.events.process.ProcessStarted"


class ProcessExited(RunningProcessEvent):
    """A process has ended."""

    name = "launch.events.process.ProcessExited"

    def __init__(self, *, returncode: int, **kwargs: object) -> None:
        """Exit code, or minus the signal number."""
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.returncode = returncode


class ProcessIO(RunningProcessEvent):
    """Bytes on a standard stream of a process."""

    name = "launch.events.process.ProcessIO"

    def __init__(self, *, text: bytes, fd: int, **kwargs: object) -> None:
        """The bytes and the stream: 0, 1 or 2."""
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.text = text
        self.from_stdin = fd == 0
        self.from_stdout = fd == 1
        self.from_stderr = fd == 2


class ProcessStdin(ProcessIO):
    """Bytes for stdin."""

    name = "launch.events.process.ProcessStdin"

    def __init__(self, *, text: bytes, **kwargs: object) -> None:
        """The bytes."""
        super().__init__(text=text, fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Bytes from stdout."""

    name = "launch.events.process.ProcessStdout"

    def __init__(self, *, text: bytes, **kwargs: object) -> None:
        """The bytes."""
        super().__init__(text=text, fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Bytes from stderr."""

    name = "launch.events.process.ProcessStderr"

    def __init__(self, *, text: bytes, **kwargs: object) -> None:
        """The bytes."""
        super().__init__(text=text, fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """A wish for the processes a matcher selects."""

    name = "launch.events.process.ProcessTargetedEvent"

    def __init__(self, *, process_matcher: Matcher) -> None:
        """Keep the matcher."""
        self.process_matcher = process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """Asks processes to stop: SIGINT, then SIGTERM, then SIGKILL."""

    name = "launch.events.process.ShutdownProcess"


class SignalProcess(ProcessTargetedEvent):
    """Sends processes a signal."""

    name = "launch.events.process.SignalProcess"

    def __init__(self, *, signal_number: str | signals.Signals, process_matcher: Matcher) -> None:
        """Of this number or name (`SIGUSR1`).

        Raises:
            Ros2LiteError: no such signal.
        """
        super().__init__(process_matcher=process_matcher)
        if isinstance(signal_number, str) and signal_number not in signals.Signals.__members__:
            raise Ros2LiteError(
                f"signal '{signal_number}' unknown, expected one of {', '.join(signals.Signals.__members__)}"
            )
        self.signal = (
            signals.Signals[signal_number] if isinstance(signal_number, str) else signals.Signals(signal_number)
        )

    @property
    def signal_name(self) -> str:
        """E.g. SIGINT."""
        return self.signal.name


def matches_pid(pid: int) -> Matcher:
    """Matcher for the process with this id."""
    return lambda action: action.process_details is not None and action.process_details.get("pid") == pid


def matches_name(name: str) -> Matcher:
    """Matcher for the process with this name (`exe-1`)."""
    return lambda action: action.process_details is not None and action.process_details["name"] == name


def matches_executable(executable: str) -> Matcher:
    """Matcher for processes whose program ends so."""
    return lambda action: action.process_details is not None and action.process_details["cmd"][0].endswith(executable)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
