"""An input device as a node: publishes ``joy`` for machines without ``joy_node`` and ``spacenav_node``."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_msgs.msg import Joy

from vlmrl_ros.bridge import joy_messages, qos
from vlmrl_ros.bridge.parameters import plugin_options
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import DeviceError
from vlmrl_ros.core.interfaces import Device

REOPEN_PERIOD_S = 1.0


@dataclass(frozen=True)
class DeviceConfig:
    """Parameters of ``joystick`` and ``spacemouse``; options of the device are ``<device>.<option>``."""

    rate_hz: float = option(50.0, "how often the device is read and published", unit="Hz", low=1.0, high=1000.0)


class DeviceNode(Shell[DeviceConfig]):
    """Reads a device plug-in and publishes what it says.

    Falls silent when the device is lost, so that teleop notices.
    """

    config_type = DeviceConfig

    def __init__(self, device: str) -> None:
        """Name the device plug-in; it names the node too."""
        super().__init__(device)
        self._name = device
        self._device: Device | None = None

    def configure(self) -> None:
        """Open the device; without one the node fails."""
        self._open = registry.load("devices", self._name)
        self._device = self._open(plugin_options(self, self._name))
        self._joy = self.publisher(Joy, "joy", qos.JOY)

    def activate(self) -> None:
        """Begin to publish."""
        self._ticking = [
            self.steady_timer(1.0 / self.config.rate_hz, self._read),
            self.steady_timer(REOPEN_PERIOD_S, self._reopen),
        ]

    def deactivate(self) -> None:
        """Fall silent."""
        for timer in self._ticking:
            self.destroy_timer(timer)

    def close(self) -> None:
        """Release the device."""
        if self._device is not None:
            self._device.close()
            self._device = None

    def _read(self) -> None:
        if self._device is None:
            return
        try:
            state = self._device.read()
        except DeviceError as error:
            self.diagnostics.problem(str(error))
            self.close()
            return
        self._joy.publish(joy_messages.joy_message(self.get_clock().now().nanoseconds, state))
        self.diagnostics.tick()

    def _reopen(self) -> None:
        """Look whether a lost device is back."""
        if self._device is not None:
            return
        try:
            self._device = self._open(plugin_options(self, self._name))
        except DeviceError:
            return
        self.diagnostics.problem("")
