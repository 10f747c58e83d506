"""How Fast DDS, the default middleware of ROS 2, is told how to travel (ADR 11 and 13)."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

PROFILE, TRANSPORTS = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"
CHOICES = {TRANSPORTS, PROFILE, "FASTRTPS_DEFAULT_PROFILES_FILE"}
"""Variables by which a user chooses how it travels; the last two choose all else of it too."""
UDP = "UDPv4?sockets_size=4MB"


def speaks_fast_dds() -> bool:
    """Whether the middleware that the environment chooses is Fast DDS, the default of ROS 2."""
    return os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps").startswith("rmw_fastrtps")


def profile(name: str) -> str:
    """Where a profile of this package is, for :data:`PROFILE`."""
    return str(Path(get_package_share_directory("vlmrl_ros")) / "config" / f"{name}.xml")


def chosen_for_all() -> dict[str, str]:
    """Variables for the processes of a launch, where the user has not chosen: UDP, and no look-up of types."""
    if not speaks_fast_dds():
        return {}
    chosen = CHOICES & os.environ.keys()
    travels = {} if chosen else {TRANSPORTS: UDP}
    return {**travels, PROFILE: profile("fast_dds")} if chosen <= {TRANSPORTS} else travels
