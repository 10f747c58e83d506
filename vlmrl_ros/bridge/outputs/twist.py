"""``twist``: the velocity of the tip, for MoveIt Servo and Cartesian velocity controllers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import TwistStamped, Vector3

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.outputs.gripper import Gripper, GripperConfig
from vlmrl_ros.bridge.outputs.output import Space
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.drive import Motion


@dataclass(frozen=True)
class TwistConfig(GripperConfig):
    """Options of ``twist``."""

    topic: str = option("servo_node/delta_twist_cmds", "geometry_msgs/TwistStamped, m/s and rad/s in base_frame")


def build(shell: Shell, arm: ArmDescription, options: Mapping[str, Any]) -> TwistOutput:
    """Make the output.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return TwistOutput(shell, arm, from_mapping(TwistConfig, options, "output twist"))


class TwistOutput:
    """The controller turns the velocity into joint motion; the arm needs no model here."""

    space = Space.TIP

    def __init__(self, shell: Shell, arm: ArmDescription, config: TwistConfig) -> None:
        """Create the publishers."""
        self.options = to_mapping(config)
        self._clock = shell.get_clock()
        self._frame = arm.general.base_frame
        self._publisher = shell.publisher(TwistStamped, config.topic, qos.ARM)
        self._gripper = Gripper(shell, arm, config)

    def send(self, motion: Motion) -> None:
        """Publish the velocity."""
        message = TwistStamped()
        message.header.stamp = self._clock.now().to_msg()
        message.header.frame_id = self._frame
        message.twist.linear = Vector3(**dict(zip("xyz", motion.twist[:3].tolist(), strict=True)))
        message.twist.angular = Vector3(**dict(zip("xyz", motion.twist[3:].tolist(), strict=True)))
        self._publisher.publish(message)
        self._gripper.send(motion)
