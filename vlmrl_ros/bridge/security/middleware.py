"""Whether the middleware at hand enforces security; where it does not, nothing is started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vlmrl_ros.bridge.security.keystore import missing_parts
from vlmrl_ros.core.errors import ConfigError

ENFORCING = ("rmw_connextdds", "rmw_cyclonedds_cpp", "rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp")
"""Middlewares that take the keystores of SROS 2; another one might ignore them and run open."""
KEYSTORE_VARIABLE = "ROS_SECURITY_KEYSTORE"
TIMEOUT_S = 30.0
PROBE = """
import sys, rclpy
from rclpy.utilities import get_rmw_implementation_identifier
print(get_rmw_implementation_identifier(), flush=True)
rclpy.init(args=["--ros-args", "--enclave", sys.argv[1], "--disable-stdout-logs"])
rclpy.create_node("probe", enable_rosout=False, start_parameter_services=False)
"""


def environment(keystore: Path) -> dict[str, str]:
    """The variables under which every node is secured, or fails to start."""
    return {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        KEYSTORE_VARIABLE: str(keystore.resolve()),
    }


def keystore_of(argument: str) -> Path:
    """The keystore that a launch argument names, or the environment where it is empty.

    Raises:
        ConfigError: neither names one.
    """
    given = argument or os.environ.get(KEYSTORE_VARIABLE, "")
    if not given:
        raise ConfigError(
            f"secure:=true needs keystore:=<directory> or {KEYSTORE_VARIABLE}; "
            "make one with: ros2 run vlmrl_ros keystore <directory>"
        )
    return Path(given)


def require(keystore: Path, enclaves: Sequence[str]) -> None:
    """See that these nodes can run secured on this machine.

    Args:
        keystore: directory.
        enclaves: full names of the nodes; at least one.

    Raises:
        ConfigError: an enclave is missing or not whole, or the middleware has no security; the message says which.
    """
    for enclave in enclaves:
        missing = missing_parts(keystore, enclave)
        if missing:
            raise ConfigError(
                f"keystore '{keystore}' has no whole enclave {enclave} (it lacks {', '.join(missing)}); "
                "add it with: ros2 run vlmrl_ros keystore <directory> --namespace ... --arm ..."
            )
    name, error = _probe(keystore, enclaves[0])
    if name not in ENFORCING:
        raise ConfigError(f"secure:=true: {name or 'the middleware'} is not known to enforce SROS 2{error}; {_valid()}")
    if error:
        raise ConfigError(f"secure:=true: {name} on this machine has no security{error}; {_valid()}")


def _valid() -> str:
    return (
        f"nothing was started. Valid: a ROS 2 whose {' or '.join(ENFORCING)} is built with DDS security, such as those "
        "from apt; the wheels from pip are not"
    )


def _probe(keystore: Path, enclave: str) -> tuple[str, str]:
    """Make a node in an enclave, in a process of its own.

    Returns:
        name of the middleware, and what it says against it: empty when the node came up secured.
    """
    command = [sys.executable, "-c", PROBE, enclave]
    env = {**os.environ, **environment(keystore)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return "", f" (no node came up within {TIMEOUT_S:g} s)"
    name = done.stdout.strip().partition("\n")[0]
    if done.returncode == 0:
        return name, ""
    said = [line for line in done.stderr.splitlines() if "error" in line.lower() or "security" in line.lower()]
    return name, f" ({' '.join(line.strip() for line in said[-2:]) or f'exit status {done.returncode}'})"
