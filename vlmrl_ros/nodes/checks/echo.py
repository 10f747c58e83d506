"""Sends every message of the doctor back, until its standard input closes: the other process of the round trip."""

from __future__ import annotations

import sys
import threading

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from vlmrl_ros.bridge import qos
from vlmrl_ros.nodes.checks.transport import KINDS


def main() -> None:
    """Entry point."""
    rclpy.init()
    node = rclpy.create_node("doctor_echo")
    for kind, topic in KINDS.values():
        publisher = node.create_publisher(kind, f"{topic}/echo", qos.COMMAND)
        node.create_subscription(kind, topic, publisher.publish, qos.COMMAND)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    threading.Thread(target=_end_with_the_doctor, daemon=True).start()
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()


def _end_with_the_doctor() -> None:
    sys.stdin.read()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
