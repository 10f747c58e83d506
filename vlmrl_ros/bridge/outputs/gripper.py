"""The gripper beside any output: its rate becomes the position of a forward_command_controller."""

from __future__ import annotations

import array
from dataclasses import dataclass

from std_msgs.msg import Float64MultiArray

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.config import option
from vlmrl_ros.core.drive import Motion
from vlmrl_ros.core.errors import ConfigError


@dataclass(frozen=True)
class GripperConfig:
    """Options of the gripper, the same with every output; in force where ``action.gripper`` is true."""

    gripper_topic: str = option("gripper_controller/commands", "std_msgs/Float64MultiArray with one position")
    gripper_closed: float = option(0.0, "position when closed", unit="m or rad")
    gripper_open: float = option(0.08, "position when open; also where it starts from", unit="m or rad")
    gripper_speed: float = option(0.2, "change of the position at a rate of 1", unit="m/s or rad/s", low=1e-4)


class Gripper:
    """Integrates the rate to a position between closed and open; says nothing before the first rate."""

    def __init__(self, shell: Shell, arm: ArmDescription, config: GripperConfig) -> None:
        """Create the publisher where the arm has a gripper.

        Raises:
            ConfigError: closed and open are the same position.
        """
        if config.gripper_open == config.gripper_closed:
            raise ConfigError(f"gripper_open and gripper_closed are both {config.gripper_open:g}; they must differ")
        driven = arm.action.gripper
        self._publisher = shell.publisher(Float64MultiArray, config.gripper_topic, qos.ARM) if driven else None
        self._config = config
        self._position: float | None = None

    def send(self, motion: Motion) -> None:
        """Publish the position that the rate leads to."""
        if self._publisher is None or (self._position is None and not motion.gripper):
            return
        c = self._config
        start = c.gripper_open if self._position is None else self._position
        opening = 1.0 if c.gripper_open > c.gripper_closed else -1.0
        moved = start + opening * motion.gripper * c.gripper_speed * motion.dt_s
        low, high = sorted((c.gripper_closed, c.gripper_open))
        self._position = min(max(moved, low), high)
        self._publisher.publish(Float64MultiArray(data=array.array("d", [self._position])))
