"""``keystore``: makes the keys, certificates and permissions that ``secure:=true`` needs, one enclave for each node."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.fleet import arm_names
from vlmrl_ros.bridge.security.grants import GRANTS, Grant, for_arms, grant_of
from vlmrl_ros.bridge.security.keystore import create
from vlmrl_ros.core.errors import VlmrlError

PEOPLE = {
    "watch": Grant(publish=("/rosout", "/parameter_events"), subscribe=("/*",)),
    "operate": Grant(
        publish=("/rosout", "/parameter_events", "instruction"),
        subscribe=("/*",),
        request=("*estop", "*reset", "*pause", "*checkpoint"),
    ),
}
"""Enclaves for the tools of people: one hears everything and says nothing, one may also stop, reset and instruct."""
OF_NO_ARM = ("learner", "lifecycle_manager", "policy_server")
"""Nodes that a fleet has once, and that know every arm; the last where its policy thinks, else each arm has one."""


def enclaves(namespace: str, arms: Sequence[str], num_arms: int) -> dict[str, Grant]:
    """Every node of this package under its full name, and what it may do.

    Args:
        namespace: as the launch argument.
        arms: name or file of each arm for ``arm_bridge``; none: only simulated ones.
        num_arms: size of the fleet; 1 has no namespaces of arms.

    Raises:
        VlmrlError: an arm that cannot be read.
        ValueError: a size that no fleet has, or neither one arm nor one for each of the fleet.
    """
    if len(arms) not in (0, 1, num_arms):
        raise ValueError(f"{len(arms)} arms for num_arms {num_arms}; valid: none, one, or one for each")
    described = [load_arm(name)[0] for name in arms] or [None]
    described = described * num_arms if len(described) < num_arms else described
    top = f"/{namespace.strip('/')}".rstrip("/")
    found = {f"{top}/{name}": grant for name, grant in PEOPLE.items()}
    if num_arms == 1:
        return found | {f"{top}/{node}": grant_of(node, described[0]) for node in GRANTS}
    names = arm_names(num_arms)
    found |= {f"{top}/{node}": for_arms(grant_of(node), names) for node in OF_NO_ARM}
    for name, description in zip(names, described, strict=True):
        for node in GRANTS.keys() - set(OF_NO_ARM) | {"policy_server"}:
            grant = grant_of(node, description)
            if node == "policy_server":  # one learner teaches all arms
                grant += Grant(subscribe=(f"{top}/weights",))
            found[f"{top}/{name}/{node}"] = grant
    return found


def main() -> None:
    """Entry point: ``keystore DIRECTORY [--namespace NS] [--arm ARM[,ARM]] [--num-arms N]``."""
    parser = argparse.ArgumentParser(prog="keystore", description=__doc__)
    parser.add_argument(
        "directory", type=Path, help="keystore; one that exists keeps its keys and gets new permissions"
    )
    parser.add_argument("--namespace", default="", help="as the launch argument")
    parser.add_argument("--arm", default="", help="as the launch argument: of arm_bridge, by name or YAML file")
    parser.add_argument("--num-arms", type=int, default=1, help="as the launch argument: size of the fleet")
    a = parser.parse_args()
    domain_id = int(os.environ.get("ROS_DOMAIN_ID") or 0)
    try:
        wanted = enclaves(a.namespace, [arm for arm in a.arm.split(",") if arm], a.num_arms)
        maker = create(a.directory, wanted, domain_id)
    except (VlmrlError, ValueError) as error:
        sys.exit(f"error: {error}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{len(wanted)} enclaves for domain {domain_id}, made by {maker}: {a.directory.resolve()}")
    console.print(
        "keep private/ away from the robots; then: ros2 launch vlmrl_ros ... secure:=true keystore:=<directory>"
    )
