"""Parameter descriptions under their second import path."""

from __future__ import annotations

from launch_ros.parameter_descriptions import Parameter, ParameterFile, ParameterValue
from ros2lite.errors import missing

__all__ = ["Parameter", "ParameterFile", "ParameterValue"]


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
