"""The nodes of a loop, each in a process that can be stopped, killed and started again, and a watch of the arm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import SetBool

from vlmrl_ros.bridge import qos
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.safety import SafetyConfig
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Source
from vlmrl_ros.nodes.bench.command_watch import CommandWatch
from vlmrl_ros.nodes.bench.launched import environment, ros_environment
from vlmrl_ros.nodes.bench.relay import TOPICS
from vlmrl_ros.nodes.bench.twist_watch import TwistWatch

START_TIMEOUT_S = 60.0
STOP_S = 5.0
MOVING_STEPS = 5
PACKAGE = "vlmrl_ros.nodes"
PROGRAMS = {
    "joystick": f"from {PACKAGE}.bench.held_joystick import main; main()",
    **{name: f"from {PACKAGE}.bench.relay import main; main('{name}')" for name in TOPICS},
}
"""What runs a node whose process is not the executable of the same name."""
UNMANAGED = ("sim_arm", *PROGRAMS)
Nodes = Mapping[str, Mapping[str, Any]]


class Stage:
    """Starts the nodes and a lifecycle manager; use it in a ``with`` statement."""

    def __init__(
        self,
        work: Path,
        nodes: Nodes,
        limits: SafetyConfig | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing runs yet.

        Args:
            work: directory for parameters and logs.
            nodes: node to parameters, in the order in which they are brought up.
            limits: what the bridge has been given.
            variables: of the environment of this process and all nodes, while the stage is open.
        """
        self._variables = variables or {}
        managed = [name for name in nodes if name not in UNMANAGED]
        self._work, self._limits = work, limits
        self._parameters: dict[str, Mapping[str, Any]] = {**nodes, "lifecycle_manager": {"node_names": managed}}
        self._more: dict[str, Mapping[str, str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Stage:
        self._before = dict(os.environ)
        os.environ.update(ros_environment() | dict(self._variables))
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = Node("stage", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._specs: list[str] = []
        self.node.create_subscription(String, "spec", lambda m: self._specs.append(m.data), qos.LATCHED)
        self._estop = self.node.create_client(SetBool, "estop")
        try:
            for name in self._parameters:
                self.start(name)
            self.until(lambda: self._specs, "the task's spec")
            spec = TaskSpec.from_json(self._specs[0])
            self.watch = CommandWatch(self.node, spec, self._limits)
            self._told = TwistWatch(self.node, spec.control_dt_s) if "arm_bridge" in self._parameters else None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()
        for name in self._variables:
            os.environ.pop(name)
            os.environ |= {name: self._before[name]} if name in self._before else {}

    def environment(self, name: str, more: Mapping[str, str]) -> None:
        """Environment variables of a node, beside those of this process; call it before the node is started."""
        self._more[name] = more

    def start(self, name: str, more: Mapping[str, Any] | None = None) -> None:
        """Start a node, or another in the place of a dead one, with parameters beside its own."""
        file = self._work / f"{name}.params.yaml"
        parameters = {**self._parameters[name], **(more or {})}
        file.write_text(yaml.safe_dump({f"/**/{name}": {"ros__parameters": parameters}}), encoding="utf-8")
        program = PROGRAMS.get(name, f"from {PACKAGE}.{name} import main; main()")
        command = [sys.executable, "-c", program, "--ros-args", "--params-file", str(file)]
        with open(self._work / f"{name}.log", "ab") as log:
            env = {**environment(), "OMP_NUM_THREADS": "1", **self._variables, **self._more.get(name, {})}
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=env)

    def signal(self, name: str, number: signal.Signals) -> float:
        """Send a signal to a node's process; returns when it was sent, s on the steady clock.

        Raises:
            VlmrlError: the process has ended by itself.
        """
        if self._processes[name].poll() is not None:
            raise VlmrlError(f"{name} has ended by itself; see {self._work / f'{name}.log'}")
        self._processes[name].send_signal(number)
        if number == signal.SIGKILL:
            self._processes[name].wait()
        return time.monotonic()

    def estop(self, press: bool) -> float:
        """Call the service ``estop``; returns when it was called, s on the steady clock."""
        self.until(self._estop.service_is_ready, "the service estop")
        called_s, answer = time.monotonic(), self._estop.call_async(SetBool.Request(data=press))
        self.until(answer.done, "an answer of estop")
        return called_s

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Listen until a condition holds.

        Raises:
            VlmrlError: it does not in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"not within {timeout_s:g} s: {what}; the logs are in {self._work}")
            self._executor.spin_once(timeout_sec=0.01)

    def listen(self, duration_s: float) -> None:
        """Listen for a while."""
        end_s = time.monotonic() + duration_s
        self.until(lambda: time.monotonic() >= end_s, "the end of a pause", duration_s + 1.0)

    def ticks_to_zero(self, since_s: float) -> float:
        """Ticks from a moment to the first zero that no motion follows; infinite without one.

        Of a simulation: of the steps that it made. Of an arm: of what it is told on the wire.
        """
        ticks = (self._told or self.watch).ticks_to_zero(since_s)
        return float("inf") if ticks is None else float(ticks)

    def moving_since(self, since_s: float) -> int:
        """How often the arm moved, or was told to, after a moment."""
        return (self._told or self.watch).moving_since(since_s)

    def until_moving(self, source: Source | None = None) -> None:
        """Listen until the arm has moved in each of some steps from now on, where a source is given, by its hand."""
        since_s = time.monotonic()
        self.until(lambda: self.watch.moved_since(since_s, MOVING_STEPS, source), "an arm that moves")
