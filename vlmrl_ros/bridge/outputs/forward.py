"""``forward``: joint positions or velocities, for the forward command controllers of ros2_control."""

from __future__ import annotations

import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from std_msgs.msg import Float64MultiArray

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.outputs.gripper import Gripper, GripperConfig
from vlmrl_ros.bridge.outputs.output import Space
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.drive import Motion


@dataclass(frozen=True)
class ForwardConfig(GripperConfig):
    """Options of ``forward``."""

    interface: str = option("position", "what the controller takes", choices=("position", "velocity"))
    topic: str = option("", "std_msgs/Float64MultiArray; empty: forward_<interface>_controller/commands")


def build(shell: Shell, arm: ArmDescription, options: Mapping[str, Any]) -> ForwardOutput:
    """Make the output.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return ForwardOutput(shell, arm, from_mapping(ForwardConfig, options, "output forward"))


class ForwardOutput:
    """Numbers in the order of ``joints.names``, which is that of the controller."""

    def __init__(self, shell: Shell, arm: ArmDescription, config: ForwardConfig) -> None:
        """Create the publishers."""
        self.options = to_mapping(config)
        self._by_velocity = config.interface == "velocity"
        self.space = Space.JOINT_VELOCITIES if self._by_velocity else Space.JOINT_POSITIONS
        topic = config.topic or f"forward_{config.interface}_controller/commands"
        self._publisher = shell.publisher(Float64MultiArray, topic, qos.ARM)
        self._gripper = Gripper(shell, arm, config)

    def send(self, motion: Motion) -> None:
        """Publish positions (rad) or velocities (rad/s)."""
        values = motion.joint_velocities if self._by_velocity else motion.joints
        self._publisher.publish(Float64MultiArray(data=array.array("d", values.tobytes())))
        self._gripper.send(motion)
