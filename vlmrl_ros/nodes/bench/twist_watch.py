"""Watches what an arm is told on the wire: how long it is told to move after a moment."""

from __future__ import annotations

import math
import time

from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile

TOPIC = "servo_node/delta_twist_cmds"
PATIENT = QoSProfile(depth=1000)


class TwistJudge:
    """Counts ticks to zero. Pure: it is told what was heard and when."""

    def __init__(self, tick_s: float) -> None:
        """Begin with nothing heard.

        Args:
            tick_s: length of a control step, s.
        """
        self._tick_s = tick_s
        self._heard: list[tuple[float, bool]] = []

    def hear(self, moves: bool, now_s: float) -> None:
        """The arm is told to move, or to stand still."""
        self._heard.append((now_s, moves))

    def ticks_to_zero(self, since_s: float) -> int | None:
        """Ticks, begun ones counted as whole, from a moment to the first zero that no motion follows; None without one.

        Args:
            since_s: the moment, s on the steady clock.
        """
        after = [row for row in self._heard if row[0] > since_s]
        moving = [index for index, (_, moves) in enumerate(after) if moves]
        stopped = moving[-1] + 1 if moving else 0
        return max(1, math.ceil((after[stopped][0] - since_s) / self._tick_s)) if stopped < len(after) else None

    def moving_since(self, since_s: float) -> int:
        """How often the arm was told to move after a moment."""
        return sum(moves for at_s, moves in self._heard if at_s > since_s)


class TwistWatch(TwistJudge):
    """A judge that listens: subscribes on a node which its owner spins."""

    def __init__(self, node: Node, tick_s: float) -> None:
        """Begin to listen to what ``arm_bridge`` tells MoveIt Servo."""
        super().__init__(tick_s)

        def heard(message: TwistStamped) -> None:
            linear, angular = message.twist.linear, message.twist.angular
            self.hear(any((linear.x, linear.y, linear.z, angular.x, angular.y, angular.z)), time.monotonic())

        node.create_subscription(TwistStamped, TOPIC, heard, PATIENT)
