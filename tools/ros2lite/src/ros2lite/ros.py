"""A short-lived hidden node for one command; no daemon. Everything waits for the graph until a deadline."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from ros2lite.errors import Ros2LiteError, UnknownNameError

_STEP_S = 0.02
_QUIET_S = 0.5
DISCOVERY_S = 5.0


def add_discovery_argument(parser: argparse.ArgumentParser) -> None:
    """Declare how long a command looks for others."""
    parser.add_argument(
        "--spin-time",
        type=float,
        default=DISCOVERY_S,
        metavar="SECONDS",
        help="longest wait for what is asked for to be discovered (default: %(default)s)",
    )


class Observer:
    """A node with its executor; times are seconds of the steady clock."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor, discovery_s: float) -> None:
        """Look for others for at most `discovery_s`."""
        self.node = node
        self.executor = executor
        self._discovery_s = discovery_s

    def spin_until(self, done: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Spin until `done()`; False after `timeout_s` (None: never give up)."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not done():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self.executor.spin_once(timeout_sec=_STEP_S)
        return True

    def settle(self) -> None:
        """Wait until others are in the graph and it has not changed for a while."""
        start, seen = time.monotonic(), self._snapshot()
        last_change = start

        def quiet() -> bool:
            nonlocal seen, last_change
            now, current = time.monotonic(), self._snapshot()
            if current != seen:
                seen, last_change = current, now
            return len(self.nodes(hidden=True)) > 0 and now - last_change >= min(_QUIET_S, self._discovery_s)

        self.spin_until(quiet, self._discovery_s)

    def nodes(self, hidden: bool = False) -> list[str]:
        """Full names of the other nodes, sorted; hidden ones start with an underscore."""
        own = self.node.get_fully_qualified_name()
        names = [f"{space.rstrip('/')}/{name}" for name, space in self.node.get_node_names_and_namespaces()]
        return sorted(name for name in names if name != own and (hidden or not is_hidden(name)))

    def require_node(self, name: str) -> str:
        """Full name of a node, once it is there.

        Raises:
            UnknownNameError: not discovered in time.
        """
        full = absolute(name)
        if not self.spin_until(lambda: full in self.nodes(hidden=True), self._discovery_s):
            raise UnknownNameError("node", full, self.nodes())
        return full

    def topics(self) -> dict[str, list[str]]:
        """Types of each topic."""
        return dict(self.node.get_topic_names_and_types())

    def services(self) -> dict[str, list[str]]:
        """Types of each service."""
        return dict(self.node.get_service_names_and_types())

    def require_type(self, kind: str, name: str, timeout_s: float | None = None) -> str:
        """Type of a topic or service (`kind`), once it is there.

        Raises:
            UnknownNameError: not discovered in time.
        """
        full = absolute(name)
        found = self.topics if kind == "topic" else self.services
        if not self.spin_until(lambda: bool(found().get(full)), timeout_s or self._discovery_s):
            raise UnknownNameError(kind, full, (entry for entry in found() if not is_hidden(entry)))
        return found()[full][0]

    def call(self, service_type: Any, name: str, request: Any, timeout_s: float = 10.0) -> Any:
        """Call a service and return its response.

        Raises:
            Ros2LiteError: it is not there, or does not answer in time.
        """
        client = self.node.create_client(service_type, name)
        try:
            if not self.spin_until(client.service_is_ready, self._discovery_s):
                raise UnknownNameError("service", name, (entry for entry in self.services() if not is_hidden(entry)))
            future = client.call_async(request)
            if not self.spin_until(future.done, timeout_s):
                raise Ros2LiteError(f"service '{name}' did not answer within {timeout_s} s")
            return future.result()
        finally:
            self.node.destroy_client(client)

    def _snapshot(self) -> tuple[Any, ...]:
        return (self.nodes(hidden=True), sorted(self.topics()), sorted(self.services()))


_open: list[Observer] = []


@contextmanager
def observer(discovery_s: float = DISCOVERY_S) -> Iterator[Observer]:
    """Start ROS with a hidden node and stop both at the end; within another `observer`, share its node."""
    if _open:
        yield Observer(_open[0].node, _open[0].executor, discovery_s)
        return
    rclpy.init(args=[])
    try:
        node = rclpy.create_node(f"_ros2cli_{os.getpid()}", start_parameter_services=False, enable_rosout=False)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        _open.append(Observer(node, executor, discovery_s))
        yield _open[0]
        executor.shutdown()
        node.destroy_node()
    except ExternalShutdownException as error:
        raise KeyboardInterrupt from error
    finally:
        _open.clear()
        rclpy.try_shutdown()


def absolute(name: str) -> str:
    """The same name, starting at the root."""
    return name if name.startswith("/") else f"/{name}"


def is_hidden(name: str) -> bool:
    """True if a part of the name starts with an underscore."""
    return any(part.startswith("_") for part in name.split("/"))
