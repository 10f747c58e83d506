"""The arms of a launch: their names, their seeds, their shares; and how many processes can find each other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from vlmrl_ros.bridge.fast_dds import speaks_fast_dds
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.streams import stream

MOST_ARMS = 16
MOST_PROCESSES = 32
"""Fast DDS looks for so many on one machine with ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST; two beyond do not find each
other (measured)."""

_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")


def arm_names(count: int) -> list[str]:
    """The namespaces of a fleet; a single arm has none.

    Raises:
        ValueError: fewer than one, or more than 16.
    """
    if not 1 <= count <= MOST_ARMS:
        raise ValueError(f"launch argument num_arms is '{count}'; valid: 1 to {MOST_ARMS}")
    return [""] if count == 1 else [f"arm_{index}" for index in range(count)]


def checked_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The arms that a node serves, by name; a single one has none.

    Raises:
        ConfigError: a name that is no namespace, or that is there twice.
    """
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise ConfigError(f"arms has '{name}'; valid: names of letters, digits and _, each once")
    return names or ("",)


@dataclass(frozen=True)
class Arm:
    """One arm of a launch.

    Attributes:
        name: its namespace below that of the launch; empty for a single arm.
        index: its number.
        seed: of its randomness: each arm lives through episodes of its own.
        demonstrations: its share of those that are shown at first.
    """

    name: str
    index: int
    seed: int
    demonstrations: int


def arms(count: int, seed: int, demonstrations: int) -> list[Arm]:
    """The arms of a launch; the first is what a single arm would be.

    Args:
        count: how many.
        seed: of the run, 0 or more.
        demonstrations: of all arms together.

    Raises:
        ValueError: fewer than one arm, or more than 16; a seed below 0.
    """
    if seed < 0:
        raise ValueError(f"launch argument seed is '{seed}'; valid: 0 or more")
    return [
        Arm(
            name=name,
            index=index,
            seed=int(stream(seed, "arm", index).integers(2**31)) if index else seed,
            demonstrations=demonstrations // count + (index < demonstrations % count),
        )
        for index, name in enumerate(arm_names(count))
    ]


def check_discovery(processes: int) -> None:
    """See that the nodes of a launch can find each other.

    Raises:
        ValueError: there are too many of them.
    """
    near = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper() == "LOCALHOST"
    if speaks_fast_dds() and near and processes > MOST_PROCESSES:
        raise ValueError(
            f"this launch has {processes} processes, and with ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST Fast DDS lets "
            f"{MOST_PROCESSES} find each other; use fewer arms, or ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET"
        )
