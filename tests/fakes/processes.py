"""Real processes for tests: started in an environment of their own, watched by their output, never left behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

DEADLINE_S = 30.0
STOP_S = 3.0
"""The longest time that anything may take to stop after Ctrl-C, on a machine that is not overloaded."""
_DOMAINS = range(50, 100)
_PAUSE_S = 0.005
_LAST_CHARS = 2000


@contextmanager
def free_domain() -> Iterator[int]:
    """A ROS domain that no other test uses at this time, held by a lock on a file."""
    for domain in _DOMAINS:
        with open(Path(tempfile.gettempdir()) / f"vlmrl_ros_test_domain_{domain}", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield domain
            return
    raise RuntimeError(f"no free ROS domain among {_DOMAINS}")


def environment(domain: int, logs: Path, **more: str) -> dict[str, str]:
    """The environment of a process under test: its own domain, plain output."""
    own = {
        "ROS_DOMAIN_ID": str(domain),
        "ROS_LOG_DIR": str(logs),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "CI": "1",
    }
    return {**os.environ, **own, **more}


def wait_until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds; fail with ``what`` after the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(_PAUSE_S)  # noqa: TID251 - the pause between two looks


class Running:
    """One process; what it writes goes to a file that can be read at any time."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path, **popen: Any) -> None:
        """Start it."""
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(env),
                start_new_session=True,
                text=True,
                **popen,
            )

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> bool:
        """It runs no more."""
        return self.process.poll() is not None

    def wait_for(self, text: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait until it has written ``text``."""
        wait_until(lambda: text in self.output or self.ended, f"{text!r} in {self.output}", deadline_s)
        assert text in self.output, self.output

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait for its end; returns the exit code."""
        wait_until(lambda: self.ended, f"the end of {self.process.args}; it wrote {self.output}", deadline_s)
        return int(self.process.returncode)

    def interrupt(self, everyone: bool = False) -> int:
        """Send SIGINT and wait for the end, for :data:`STOP_S` at most; returns the exit code.

        Args:
            everyone: to all that it has started too, as Ctrl-C on a terminal does.
        """
        if everyone:
            os.killpg(self.process.pid, signal.SIGINT)
        else:
            self.signal(signal.SIGINT)
        return self.wait(STOP_S * max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1))))

    def family(self) -> list[int]:
        """The processes of its session: itself and what it has started."""
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in pids if _session(pid) == self.process.pid]

    def pid_of(self, executable: str, namespace: str = "") -> int:
        """The process of a node below a launch."""
        node = {f"__node:={executable}", *([f"__ns:={namespace}"] if namespace else [])}
        found = [pid for pid in self.family() if node <= set(_arguments(pid))]
        assert found, f"no {executable} in {namespace or 'any namespace'}; {self.output}"
        return found[-1]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ask it to end, also if it stands still."""
        if not self.ended:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)

    def close(self) -> None:
        """Wait for its end after :meth:`stop`; force it and whatever it has started, if need be."""
        if not self.ended:
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


class Stage:
    """Starts the processes of one test, all in one ROS domain, and ends them with it."""

    def __init__(self, domain: int, root: Path) -> None:
        """Keep logs and parameter files below ``root``."""
        self.domain = domain
        self.root = root
        self._started: list[Running] = []

    def start(self, command: list[str], name: str, env: Mapping[str, str] | None = None, **popen: Any) -> Running:
        """Start a command; its output goes to a file called after ``name``."""
        log = self.root / f"{len(self._started)}_{name}.txt"
        given = environment(self.domain, self.root / "ros_log", **(env or {}))
        running = Running(command, given, log, **popen)
        self._started.append(running)
        return running

    def node(
        self,
        executable: str,
        parameters: Mapping[str, Any] | None = None,
        namespace: str = "/",
        env: Mapping[str, str] | None = None,
    ) -> Running:
        """Start one of the package's executables; parameters of plug-ins are written ``reach.horizon``."""
        code = f"from vlmrl_ros.nodes.{executable} import main; main()"
        return self.start([sys.executable, "-c", code, *self.ros_arguments(parameters, namespace)], executable, env)

    def played_joystick(self, parameters: Mapping[str, Any] | None = None, namespace: str = "/") -> Running:
        """Start the joystick node with SDL's virtual joystick, which is played by lines on its standard input."""
        player = Path(__file__).with_name("virtual_joystick.py")
        command = [sys.executable, str(player), "vlmrl_ros.nodes.joystick:main"]
        options = self.ros_arguments({"joystick.device_name": "virtual", **(parameters or {})}, namespace)
        return self.start([*command, *options], "joystick", stdin=subprocess.PIPE)

    def launch(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Run ``ros2 launch vlmrl_ros <arguments>`` in an empty working directory."""
        where = self.root / "work"
        where.mkdir(exist_ok=True)
        ros2 = Path(sys.executable).with_name("ros2")
        command = [str(ros2) if ros2.exists() else "ros2", "launch", "vlmrl_ros", *arguments]
        return self.start(command, arguments[0], env, cwd=where)

    def params_file(self, content: Mapping[str, Any]) -> Path:
        """Write a ROS parameter file: node to parameters."""
        path = self.root / f"params_{len(list(self.root.glob('params_*')))}.yaml"
        parameters = {node: {"ros__parameters": dict(rows)} for node, rows in content.items()}
        path.write_text(yaml.safe_dump(json.loads(json.dumps(parameters))))  # plain: rcl reads no YAML aliases
        return path

    def ros_arguments(self, parameters: Mapping[str, Any] | None, namespace: str) -> list[str]:
        """Command line arguments that give a node its parameters and namespace."""
        given = ["--params-file", str(self.params_file({"/**": parameters}))] if parameters else []
        return ["--ros-args", "-r", f"__ns:={namespace}", *given]

    def last_words(self) -> list[tuple[str, str]]:
        """Name and end of the output of each process."""
        return [(f"output of {running.log.stem}", running.output[-_LAST_CHARS:]) for running in self._started]

    def close(self) -> None:
        """End everything."""
        for running in self._started:
            running.stop()
        for running in self._started:
            running.close()
