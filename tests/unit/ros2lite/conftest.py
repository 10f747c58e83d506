"""Fake packages, launch files and real launches; ros2lite as installed, or from the source tree."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "tools" / "ros2lite" / "src"
DEADLINE_S = 20.0

if importlib.util.find_spec("ros2lite") is None:
    sys.path.insert(0, str(SOURCE))


def poll(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until the condition holds; fail with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        threading.Event().wait(0.01)


def alive(pid: int) -> bool:
    """True if the process runs (a zombie does not)."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


class Running:
    """A `ros2` process that writes to a file we can look at while it runs."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with open(log, "wb") as file:
            command = [sys.executable, "-m", "ros2lite", *arguments]
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has written `text`."""
        poll(lambda: text in self.output or self.process.poll() is not None, f"{text!r} in {self.output}")
        assert text in self.output, self.output

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout=DEADLINE_S)


@dataclass(frozen=True)
class Result:
    """What a finished command did."""

    code: int
    output: str
    error: str


class Workspace:
    """A prefix with one fake package and a log folder; runs `ros2` with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefix = root / "prefix"
        self.logs = root / "logs"
        self.environment = os.environ | {
            "AMENT_PREFIX_PATH": str(self.prefix),
            "ROS_LOG_DIR": str(self.logs),
            "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")]),
            "ROS_DOMAIN_ID": "77",
        }
        self.started: list[Running] = []
        self.add_package("fake_pkg")

    def add_package(self, name: str) -> None:
        index = self.prefix / "share" / "ament_index" / "resource_index" / "packages"
        for folder in (index, self.prefix / "share" / name / "launch", self.prefix / "lib" / name):
            folder.mkdir(parents=True, exist_ok=True)
        (index / name).touch()

    def executable(self, name: str, body: str, package: str = "fake_pkg") -> Path:
        """A Python executable of the package; starts without site-packages, so quickly."""
        path = self.prefix / "lib" / package / name
        path.write_text(f"#!{sys.executable} -IS\n{textwrap.dedent(body)}")
        path.chmod(0o755)
        return path

    def launch_file(self, body: str, name: str = "it.launch.py", package: str = "fake_pkg") -> Path:
        """A launch file whose `generate_launch_description` returns the entities in `body`."""
        path = self.prefix / "share" / package / "launch" / name
        path.write_text(LAUNCH_HEAD + textwrap.indent(textwrap.dedent(body).strip(), " " * 8) + "\n    ])\n")
        return path

    def ros2(self, *arguments: str) -> Result:
        """Run a command to its end."""
        command = [sys.executable, "-m", "ros2lite", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, timeout=DEADLINE_S, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def launch(self, body: str, *arguments: str) -> Result:
        """Write a launch file and launch it to its end."""
        return self.ros2("launch", str(self.launch_file(body)), *arguments)

    def start(self, *arguments: str) -> Running:
        """Start a command; what is left of it at the end of the test is killed."""
        running = Running(list(arguments), self.environment, self.root / f"output{len(self.started)}")
        self.started.append(running)
        return running

    def log(self, name: str = "launch.log") -> str:
        return (self.logs / "latest" / name).read_text()

    def close(self) -> None:
        for running in self.started:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGINT)
                running.wait()


LAUNCH_HEAD = """\
import sys
from launch import *
from launch.actions import *
from launch.conditions import *
from launch.event_handlers import *
from launch.events import matches_action
from launch.events.process import ShutdownProcess, SignalProcess
from launch.launch_description_sources import *
from launch.substitutions import *
from launch_ros.actions import *
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare
from launch_ros.descriptions import *
from launch_ros.event_handlers import *
from launch_ros.events.lifecycle import *

def python(code, **kwargs):
    return ExecuteProcess(cmd=[sys.executable, "-ISuc", code], **{"output": "screen", "name": "py", **kwargs})

def generate_launch_description():
    return LaunchDescription([
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_workspace() -> type[Workspace]:
    return Workspace


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    return alive
