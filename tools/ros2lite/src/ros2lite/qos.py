"""Quality of service of `ros2 topic echo` and `pub`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
)

_PRESETS = ("system_default", "sensor_data", "services_default", "parameters", "parameter_events")


def add_qos_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that override the default profile."""
    names = [*_PRESETS, "default"]
    parser.add_argument("--qos-profile", choices=names, default=None, help="profile to start from")
    parser.add_argument("--qos-depth", type=int, default=None, help="queue size")
    parser.add_argument(
        "--qos-history", choices=("keep_last", "keep_all"), default=None, help="which messages are kept"
    )
    parser.add_argument("--qos-reliability", choices=("reliable", "best_effort"), default=None, help="reliability")
    parser.add_argument("--qos-durability", choices=("volatile", "transient_local"), default=None, help="durability")


def chosen(arguments: argparse.Namespace, default: QoSProfile) -> QoSProfile:
    """The default profile with the options given on the command line."""
    profile = default
    if arguments.qos_profile is not None:
        profile = QoSPresetProfiles.get_from_short_key(arguments.qos_profile)
    if arguments.qos_depth is not None:
        profile.depth = arguments.qos_depth
    for option, policy in (
        ("history", HistoryPolicy),
        ("reliability", ReliabilityPolicy),
        ("durability", DurabilityPolicy),
    ):
        value = getattr(arguments, f"qos_{option}")
        if value is not None:
            setattr(profile, option, policy[value.upper()])
    return profile


def matching(publishers: Sequence[Any], depth: int = 10) -> QoSProfile:
    """A subscription profile that matches all publishers: as strong as the weakest of them."""
    profiles = [info.qos_profile for info in publishers]
    reliable = bool(profiles) and all(entry.reliability == ReliabilityPolicy.RELIABLE for entry in profiles)
    latched = bool(profiles) and all(entry.durability == DurabilityPolicy.TRANSIENT_LOCAL for entry in profiles)
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
