"""ROS actions of launch files."""

from __future__ import annotations

from launch_ros.actions.lifecycle import LifecycleNode, LifecycleTransition
from launch_ros.actions.node import Node
from launch_ros.actions.ros_timer import ROSTimer
from launch_ros.actions.settings import (
    PushROSNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
    SetUseSimTime,
)
from ros2lite.errors import missing

PushRosNamespace = PushROSNamespace
RosTimer = ROSTimer

__all__ = [
    "LifecycleNode",
    "LifecycleTransition",
    "Node",
    "PushROSNamespace",
    "PushRosNamespace",
    "ROSTimer",
    "RosTimer",
    "SetParameter",
    "SetParametersFromFile",
    "SetRemap",
    "SetUseSimTime",
]


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
