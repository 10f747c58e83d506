"""Is ROS 2 there, which one, and does it know this package?"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from rclpy.utilities import get_rmw_implementation_identifier

from vlmrl_ros.nodes.checks.finding import Finding, failed, ok, warning

NEEDED = (
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "trajectory_msgs",
)
"""Message packages that nodes of this package import."""
PACKAGE = "vlmrl_ros"


def check() -> list[Finding]:
    """The distribution, the middleware, messages, the package index and the command line."""
    return [_distribution(), _middleware(), _messages(), _package(), _command_line()]


def _distribution() -> Finding:
    name = os.environ.get("ROS_DISTRO", "")
    where = importlib.util.find_spec("rclpy")
    source = f"rclpy in {Path(where.origin).parents[1] if where and where.origin else '?'}"
    return ok("distribution", f"{name or 'from wheels'}; {source}")


def _middleware() -> Finding:
    try:
        return ok("middleware", get_rmw_implementation_identifier())
    except Exception as error:  # noqa: BLE001 - a library that does not load says so in any way
        fix = (
            "install an RMW (apt: ros-<distro>-rmw-fastrtps-cpp, pip: ros-rmw-fastrtps-cpp) or unset RMW_IMPLEMENTATION"
        )
        return failed("middleware", str(error)[:200], fix)


def _messages() -> Finding:
    missing = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        apt = " ".join(f"ros-<distro>-{name.replace('_', '-')}" for name in missing)
        return failed("messages", f"{', '.join(missing)} cannot be imported", f"apt install {apt}, or pip: ros-<name>")
    return ok("messages", f"all {len(NEEDED)} packages")


def _package() -> Finding:
    try:
        prefix = Path(get_package_prefix(PACKAGE))
    except PackageNotFoundError:
        fix = (
            "source install/setup.bash (colcon), or . .venv/setup.sh (make setup): AMENT_PREFIX_PATH lacks the package"
        )
        return failed("package", f"{PACKAGE} is not in the package index", fix)
    programs = sorted(path.name for path in (prefix / "lib" / PACKAGE).glob("*") if os.access(path, os.X_OK))
    if "sim_bridge" not in programs:
        return failed(
            "package", f"{prefix / 'lib' / PACKAGE} has no executables", "install again: make setup, or colcon build"
        )
    return ok("package", f"{len(programs)} executables in {prefix / 'lib' / PACKAGE}")


def _command_line() -> Finding:
    path = shutil.which("ros2")
    if path is None:
        fix = "apt install ros-<distro>-ros2cli-common-extensions, or without apt: pip install tools/ros2lite"
        return failed("ros2", "not on PATH", fix)
    if importlib.util.find_spec("tf2_msgs") is None:
        return warning(
            "ros2", f"{path}; no tf2_msgs", "arms with tip.source tf need it: use topic or kinematics instead"
        )
    return ok("ros2", path)
