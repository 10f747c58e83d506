"""Values computed while a launch runs."""

from __future__ import annotations

from launch.substitutions.boolean_substitution import (
    AllSubstitution,
    AndSubstitution,
    AnySubstitution,
    IfElseSubstitution,
    NotSubstitution,
    OrSubstitution,
)
from launch.substitutions.environment import Command, EnvironmentVariable, FileContent, FindExecutable
from launch.substitutions.equals_substitution import EqualsSubstitution, NotEqualsSubstitution
from launch.substitutions.launch_configuration import LaunchConfiguration
from launch.substitutions.local_substitution import LocalSubstitution
from launch.substitutions.paths import AnonName, LaunchLogDir, PathJoinSubstitution, ThisLaunchFile, ThisLaunchFileDir
from launch.substitutions.python_expression import PythonExpression
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.substitutions.text_substitution import TextSubstitution
from ros2lite.errors import missing

__all__ = [
    "AllSubstitution",
    "AndSubstitution",
    "AnonName",
    "AnySubstitution",
    "Command",
    "EnvironmentVariable",
    "EqualsSubstitution",
    "FileContent",
    "FindExecutable",
    "IfElseSubstitution",
    "LaunchConfiguration",
    "LaunchLogDir",
    "LocalSubstitution",
    "NotEqualsSubstitution",
    "NotSubstitution",
    "OrSubstitution",
    "PathJoinSubstitution",
    "PythonExpression",
    "SubstitutionFailure",
    "TextSubstitution",
    "ThisLaunchFile",
    "ThisLaunchFileDir",
]


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
