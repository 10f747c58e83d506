"""A training that is launched as a user launches it, watched while it goes on, and whose nodes can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench.launched import launching, log_of, ros_environment

TIMEOUT_S = 120.0
PATIENT = QoSProfile(depth=2000)


class LiveRun:
    """One launch of ``sim_train``; use it in a ``with`` statement."""

    def __init__(
        self, work: Path, name: str, arguments: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Nothing runs yet; arguments as for :func:`~vlmrl_ros.nodes.bench.launched.train`."""
        self.run_dir = work / name
        self._launch = (work, name, "sim_train.launch.py", {**arguments, "run_dir": self.run_dir}, parameters)
        self._log = log_of(work, name)
        self.executed: set[int] = set()
        """Stamps of the steps that the bridge was heard to carry out, ns."""
        self.learned: dict[str, float] = {}
        """What the learner said last of how far it is."""
        self._learned_ns = 0
        self._states: dict[str, str] = {}

    def __enter__(self) -> LiveRun:
        self._stack = ExitStack()
        os.environ.update(ros_environment())
        context = rclpy.Context()
        rclpy.init(context=context)
        self._stack.callback(context.try_shutdown)
        node = Node("faults", context=context)
        self._stack.callback(node.destroy_node)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._stack.callback(self._executor.shutdown)
        node.create_subscription(JointState, "executed", self._on_executed, PATIENT)
        node.create_subscription(JointState, "learner/status", self._on_learner, PATIENT)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.DIAGNOSTICS)
        self._process: subprocess.Popen[bytes] = self._stack.enter_context(launching(*self._launch))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ended(self) -> bool:
        """The launch has ended."""
        return self._process.poll() is not None

    def kill(self, name: str) -> float:
        """Kill a node; wait until another is active in its place and the run has gone on by a step.

        Returns:
            how long that took, s.

        Raises:
            VlmrlError: it did not come back in time, or the launch ended with an error.
        """
        victim, killed_s = self._pid(name), time.monotonic()
        os.kill(victim, signal.SIGKILL)
        self._until(lambda: self._pid(name) != victim, f"another {name}")
        self._states.pop(name, None)
        self._until(lambda: self._states.get(name) == "active", f"{name} is active again")
        active_ns = self._learned_ns
        self._until(lambda: self._learned_ns > active_ns, f"a step that is learned from after the death of {name}")
        return time.monotonic() - killed_s

    def until_progress(self, share: float, progress: Callable[[Mapping[str, float]], float]) -> bool:
        """Watch until the learner has come so far; False where the run ends before.

        Args:
            share: of the run.
            progress: tells the share from what the learner says.
        """
        self._until(lambda: progress(self.learned) >= share, f"{share:.0%} of the run", timeout_s=600.0)
        return not (self.ended or self.learned["finished"])

    def watch(self, duration_s: float) -> None:
        """Watch for a while."""
        end_s = time.monotonic() + duration_s
        self._until(lambda: time.monotonic() >= end_s, "the end of a pause", duration_s + 1.0)

    def until_ended(self, timeout_s: float) -> None:
        """Watch until the launch has ended.

        Raises:
            VlmrlError: with an error, or not in time.
        """
        self._until(lambda: self.ended, "the end of the run", timeout_s)

    def _until(self, condition: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
        """Watch until a condition holds, or the run has ended well."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if self._process.poll() is not None:
                if self._process.returncode:
                    raise VlmrlError(f"the run ended with exit code {self._process.returncode}; see {self._log}")
                return
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"not within {timeout_s:g} s: {what}; see {self._log}")
            self._executor.spin_once(timeout_sec=0.02)

    def _pid(self, name: str) -> int:
        """The process that plays a part now: of all that were started for it, the newest."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return int(re.findall(rf"\[{name}-\d+\]: process started with pid \[(\d+)\]", text)[-1])

    def _on_executed(self, message: JointState) -> None:
        self.executed.add(messages.stamp_of(message))

    def _on_learner(self, message: JointState) -> None:
        self.learned = dict(messages.read_values(message, "learner/status"))
        self._learned_ns = max(self._learned_ns, messages.stamp_of(message))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            state = next((item.value for item in status.values if item.key == "state"), "")
            self._states[status.name.lstrip("/")] = state
