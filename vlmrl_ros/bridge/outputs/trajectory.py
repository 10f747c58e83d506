"""``trajectory``: one point ahead, for a joint_trajectory_controller."""

from __future__ import annotations

import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Duration
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.outputs.gripper import Gripper, GripperConfig
from vlmrl_ros.bridge.outputs.output import Space
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.drive import Motion


@dataclass(frozen=True)
class TrajectoryConfig(GripperConfig):
    """Options of ``trajectory``."""

    topic: str = option("joint_trajectory_controller/joint_trajectory", "trajectory_msgs/JointTrajectory")
    reach_s: float = option(
        0.04, "time in which the point is reached; a little above the output's period", unit="s", low=0.001, high=10.0
    )


def build(shell: Shell, arm: ArmDescription, options: Mapping[str, Any]) -> TrajectoryOutput:
    """Make the output.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return TrajectoryOutput(shell, arm, from_mapping(TrajectoryConfig, options, "output trajectory"))


class TrajectoryOutput:
    """Each message replaces the one before, from now on (stamp 0): clocks need not agree.

    The point has a position only, so that the controller ends there at rest when no more messages come.
    """

    space = Space.JOINT_POSITIONS

    def __init__(self, shell: Shell, arm: ArmDescription, config: TrajectoryConfig) -> None:
        """Create the publishers."""
        self.options = to_mapping(config)
        self._names = list(arm.joints.names)
        nanoseconds = round(config.reach_s * 1e9)
        self._reach = Duration(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)
        self._publisher = shell.publisher(JointTrajectory, config.topic, qos.ARM)
        self._gripper = Gripper(shell, arm, config)

    def send(self, motion: Motion) -> None:
        """Publish the next point."""
        point = JointTrajectoryPoint(positions=array.array("d", motion.joints.tobytes()), time_from_start=self._reach)
        self._publisher.publish(JointTrajectory(joint_names=self._names, points=[point]))
        self._gripper.send(motion)
