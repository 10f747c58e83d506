"""``/diagnostics`` of one node: rate, age of the last step, counts, and what is wrong in words."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from vlmrl_ros.bridge import qos
from vlmrl_ros.core.join import PartJoin, StepJoin

PERIOD_S = 1.0
PROCESS = "process"
"""Key of the value that tells apart processes which play the same part."""


class Diagnostics:
    """Counts what happens in a node and publishes it once a second, and at once when the lifecycle state changes.

    It is the heartbeat by which the lifecycle manager knows a node.
    """

    def __init__(self, node: Node) -> None:
        """Create publisher and timer on the node; they run in every lifecycle state."""
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.HEARTBEAT)
        self._timer = node.create_timer(PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._counts: Counter[str] = Counter()
        self._values: dict[str, str] = {}
        self._steps = 0
        self._steps_before = 0
        self._published_s = time.monotonic()
        self._last_step_s: float | None = None
        self._problem = ""
        self._defects: list[str] = []
        self._state = "unconfigured"
        self._process = process_name()
        self._publish()  # latched: whoever finds the node knows it at once

    @property
    def state(self) -> str:
        """The lifecycle state, or what the manager does."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        self._publish()

    @property
    def steps(self) -> int:
        """How many steps of the node's work are done."""
        return self._steps

    def counts(self) -> dict[str, int]:
        """The counters by name."""
        return dict(self._counts)

    def defect(self, text: str) -> bool:
        """Note a defect of the node itself, which stays in sight; returns whether it is a new one."""
        new = text not in self._defects
        if new:
            self._defects.append(text)
            self._publish()
        return new

    def tick(self) -> None:
        """One step of the node's work is done."""
        self._steps += 1
        self._last_step_s = time.monotonic()

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self._counts[name] += by

    def value(self, name: str, value: object) -> None:
        """Show a value."""
        self._values[name] = str(value)

    def join(self, join: PartJoin | StepJoin, arm: str = "") -> None:
        """Show what a join gave up, what came too late for it, and what bears a stamp of another time.

        Args:
            join: whose counts.
            arm: whose steps it joins, for a node that joins those of several.
        """
        of = f"{arm} " if arm else ""
        self.value(f"{of}steps dropped", join.dropped)
        self.value(f"{of}parts too late", join.late)
        self.value(f"{of}parts of another time", join.strayed)

    def problem(self, text: str) -> None:
        """Say what is wrong; an empty text means that all is well again. Each change is logged once."""
        if text != self._problem:
            logger = self._node.get_logger()
            if text:
                logger.warning(text)
            else:
                logger.info(f"well again (was: {self._problem})")
            self._problem = text

    def _publish(self) -> None:
        now_s = time.monotonic()
        rate = (self._steps - self._steps_before) / max(now_s - self._published_s, 1e-3)
        self._steps_before, self._published_s = self._steps, now_s
        age = "never" if self._last_step_s is None else f"{now_s - self._last_step_s:.3f}"
        values = {
            "state": self._state,
            PROCESS: self._process,
            "rate_hz": f"{rate:.1f}",
            "age_s": age,
            "steps": str(self._steps),
        }
        values |= {name: str(count) for name, count in self._counts.items()} | self._values
        level = DiagnosticStatus.WARN if self._problem else DiagnosticStatus.OK
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if self._defects else level,
            name=self._node.get_fully_qualified_name(),
            message="; ".join([*self._defects, self._problem]).strip("; ") or self._state,
            hardware_id="vlmrl_ros",
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)


def process_name() -> str:
    """This process among those of all machines."""
    return f"{socket.gethostname()}:{os.getpid()}"
