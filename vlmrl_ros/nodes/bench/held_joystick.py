"""A joystick whose takeover somebody holds, steadily steering, as a process that can be stopped and killed.

SIGUSR1 presses its e-stop, SIGUSR2 lets go of everything.
"""

from __future__ import annotations

import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Joy
from std_msgs.msg import String

from vlmrl_ros.bridge import joy_messages, qos
from vlmrl_ros.core.interfaces import Intent
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.teleop.mapping import JoyMapping
from vlmrl_ros.teleop.profile import load_profile

PERIOD_S = 0.02
RELEASED_FIRST = 25
"""Readings that show everything released, once somebody listens: as a joystick must that takes a lost one's place."""
SHARE = 0.1
"""Of full speed."""


class HeldJoystick(Node):
    """Presses, as soon as it knows the task."""

    def __init__(self) -> None:
        """Wait for the spec."""
        super().__init__("joystick")
        self._joy = self.create_publisher(Joy, "joy", qos.JOY)
        self._held, self._estop, self._shown = True, False, 0
        self.create_subscription(String, "spec", self._on_spec, qos.LATCHED)
        self.create_timer(PERIOD_S, self._press)
        self._mapping: JoyMapping | None = None
        signal.signal(signal.SIGUSR1, lambda *_: self._take(held=False, estop=True))
        signal.signal(signal.SIGUSR2, lambda *_: self._take(held=False, estop=False))

    def _on_spec(self, message: String) -> None:
        self._spec = TaskSpec.from_json(message.data)
        self._mapping = JoyMapping(load_profile("scripted"), self._spec.action)

    def _take(self, held: bool, estop: bool) -> None:
        self._held, self._estop = held, estop

    def _press(self) -> None:
        if self._mapping is None:
            return
        self._shown += self._joy.get_subscription_count() > 0
        held = self._held and self._shown > RELEASED_FIRST
        intent = Intent(held, self._spec.action.high * SHARE)
        state = self._mapping.to_joy(intent, estop=self._estop)
        self._joy.publish(joy_messages.joy_message(self.get_clock().now().nanoseconds, state))


def main() -> None:
    """Entry point."""
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        rclpy.spin(HeldJoystick())
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()
