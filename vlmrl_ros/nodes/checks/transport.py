"""Do messages get from one process to another, and how fast? Small ones and camera frames, there and back."""

from __future__ import annotations

import array
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState

from vlmrl_ros.bridge import qos
from vlmrl_ros.nodes.checks.finding import Finding, failed, ok, warning

KINDS: dict[str, tuple[type[Any], str]] = {
    "small": (JointState, "doctor/small"),
    "image": (Image, "doctor/image"),
}
"""Message type and topic; the echo answers on ``<topic>/echo``."""
ECHO = "vlmrl_ros.nodes.checks.echo"
MATCH_S, ANSWER_S = 15.0, 2.0
SMALL_COUNT, IMAGE_COUNT = 300, 30
HEIGHT, WIDTH = 480, 640
SLOW_SMALL_MS, SLOW_IMAGE_MS = 5.0, 20.0
"""99th percentile and median of a round trip. A tick at 20 Hz has 50 ms for three hops and the policy."""
FIX = "check ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE and the firewall (UDP 7400 to 7700), and /dev/shm"
LARGE = "FASTDDS_BUILTIN_TRANSPORTS='LARGE_DATA?max_msg_size=4MB&sockets_size=8MB&non_blocking=true'"


def check() -> list[Finding]:
    """Start an echo in a process of its own and measure round trips."""
    command = [sys.executable, "-m", ECHO]
    echo = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with _Caller() as caller:
            if not caller.matched():
                return [failed("round trip", f"no other process was found within {MATCH_S:g} s", FIX)]
            return [_small(caller), _image(caller)]
    finally:
        echo.kill()
        echo.communicate()


def _small(caller: _Caller) -> Finding:
    times_ms = caller.round_trips(
        "small", JointState(name=["a"] * 16, position=array.array("d", bytes(128))), SMALL_COUNT
    )
    if len(times_ms) < SMALL_COUNT:
        return failed("round trip", f"{SMALL_COUNT - len(times_ms)} of {SMALL_COUNT} messages were lost", FIX)
    p50, p99 = np.percentile(times_ms, (50, 99))
    text = f"{p50:.2f} ms at the median, {p99:.2f} ms at the 99th percentile"
    return (
        warning("round trip", text, "the machine is busy: see 'compute'")
        if p99 > SLOW_SMALL_MS
        else ok("round trip", text)
    )


def _image(caller: _Caller) -> Finding:
    data = array.array("B", bytes(HEIGHT * WIDTH * 3))
    frame = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=WIDTH * 3, data=data)
    times_ms = caller.round_trips("image", frame, IMAGE_COUNT)
    if len(times_ms) < IMAGE_COUNT:
        return failed("image", f"{IMAGE_COUNT - len(times_ms)} of {IMAGE_COUNT} frames were lost", FIX)
    p50, p99 = np.percentile(times_ms, (50, 99))
    text = f"{WIDTH}x{HEIGHT} there and back in {p50:.1f} ms at the median, {p99:.1f} ms at the 99th percentile"
    if p50 > SLOW_IMAGE_MS and "LARGE_DATA" not in os.environ.get("FASTDDS_BUILTIN_TRANSPORTS", ""):
        return warning("image", text, f"with Fast DDS: export {LARGE}")
    return ok("image", text)


class _Caller:
    """Sends messages and waits for each to come back."""

    def __enter__(self) -> _Caller:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("doctor", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._back: list[Any] = []
        self._publishers = {}
        for name, (kind, topic) in KINDS.items():
            self._publishers[name] = self._node.create_publisher(kind, topic, qos.COMMAND)
            self._node.create_subscription(kind, f"{topic}/echo", self._back.append, qos.COMMAND)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def matched(self) -> bool:
        """The echo has been found, and its answers come back, within :data:`MATCH_S`.

        That each side knows of the other's topic does not say that it is heard there yet: the first messages tell.
        """
        deadline_s = time.monotonic() + MATCH_S
        return all(self._answered(name, deadline_s) for name in KINDS)

    def _answered(self, name: str, deadline_s: float) -> bool:
        kind, _ = KINDS[name]
        self._back.clear()
        while not any(isinstance(message, kind) for message in self._back):
            if time.monotonic() > deadline_s:
                return False
            self._publishers[name].publish(kind())
            self._executor.spin_once(timeout_sec=0.02)
        return True

    def round_trips(self, name: str, message: Any, count: int) -> list[float]:
        """Times of round trips, ms; fewer than ``count`` when some did not come back."""
        times_ms = []
        for k in range(1, count + 1):  # 0 are those that were sent to be found
            message.header.stamp.nanosec = k
            self._back.clear()
            started_s = time.perf_counter()
            self._publishers[name].publish(message)
            while not any(m.header.stamp.nanosec == k for m in self._back):
                self._executor.spin_once(timeout_sec=0.05)
                if time.perf_counter() - started_s > ANSWER_S:
                    break
            else:
                times_ms.append((time.perf_counter() - started_s) * 1e3)
        return times_ms
