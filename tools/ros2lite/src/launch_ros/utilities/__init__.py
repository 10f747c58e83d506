"""Helpers of the ROS actions."""

from __future__ import annotations

from launch_ros.utilities.namespaces import (
    is_namespace_absolute,
    is_root_namespace,
    make_namespace_absolute,
    prefix_namespace,
)

__all__ = ["is_namespace_absolute", "is_root_namespace", "make_namespace_absolute", "prefix_namespace"]
