"""Passes one topic of an arm on, as a process that can be stopped: so a single input of a bridge falls silent."""

from __future__ import annotations

import signal
import sys
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, JointState

from vlmrl_ros.bridge import qos

RELAYED = "relayed/"
"""What the topics begin with behind a relay."""
TOPICS: dict[str, tuple[type[Any], str]] = {
    "joints_relay": (JointState, "joint_states"),
    "camera_relay": (Image, "front/image_raw"),
}
"""Relay to what it passes on."""


class Relay(Node):
    """Listens and repeats."""

    def __init__(self, name: str) -> None:
        """Begin.

        Args:
            name: one of :data:`TOPICS`.
        """
        super().__init__(name)
        kind, topic = TOPICS[name]
        out = self.create_publisher(kind, RELAYED + topic, qos.ROBOT)
        self.create_subscription(kind, topic, out.publish, qos.ROBOT)


def main(name: str) -> None:
    """Entry point of a process."""
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        rclpy.spin(Relay(name))
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()
