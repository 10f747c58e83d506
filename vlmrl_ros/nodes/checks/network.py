"""Can nodes find each other, on this machine and beyond?"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from vlmrl_ros.nodes.checks.finding import Finding, failed, ok, warning

MOST_DOMAIN, SAFE_DOMAIN = 232, 101
"""Above the latter the ports of DDS lie among those that Linux gives to clients."""
RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
UP, LOOPBACK, MULTICAST = 0x1, 0x8, 0x1000
"""IFF_UP, IFF_LOOPBACK and IFF_MULTICAST of <linux/if.h>."""
GROUP = "239.255.0.1"
"""The group in which participants of DDS look for each other."""
ANSWER_S = 1.0
BUFFER = 4 * 2**20
"""A receive buffer for frames of a camera from another machine, bytes."""


def check() -> list[Finding]:
    """Domain, range of discovery, interfaces, multicast, and the kernel's receive buffer."""
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET") or "SUBNET"
    return [_domain(), _range(reach), _interfaces(reach), _multicast(reach), _buffer(reach)]


def _domain() -> Finding:
    given = os.environ.get("ROS_DOMAIN_ID", "") or "0"
    if not given.isdigit() or int(given) > MOST_DOMAIN:
        return failed("domain", f"ROS_DOMAIN_ID is '{given}'", f"choose 0 to {SAFE_DOMAIN}")
    if int(given) > SAFE_DOMAIN:
        fix = f"its ports may be taken by other programs: choose 0 to {SAFE_DOMAIN}"
        return warning("domain", f"ROS_DOMAIN_ID is {given}", fix)
    return ok("domain", f"ROS_DOMAIN_ID is {given}")


def _range(reach: str) -> Finding:
    if reach not in RANGES:
        fix = f"choose {', '.join(RANGES)}"
        return failed("discovery", f"ROS_AUTOMATIC_DISCOVERY_RANGE is '{reach}'", fix)
    if reach == "OFF":
        return failed(
            "discovery", "ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: nodes do not find each other", "choose LOCALHOST"
        )
    if os.environ.get("ROS_LOCALHOST_ONLY") == "1":
        fix = "it is deprecated and wins over the discovery range: unset ROS_LOCALHOST_ONLY"
        return warning("discovery", "ROS_LOCALHOST_ONLY is 1", fix)
    if reach == "LOCALHOST":
        return ok("discovery", "this machine only")
    fix = "everybody on the network hears and may command: LOCALHOST where one machine does it all, else secure:=true"
    return warning("discovery", f"{reach}: the whole network", fix)


def _interfaces(reach: str) -> Finding:
    flags = {}
    for _, name in socket.if_nameindex():
        path = Path("/sys/class/net") / name / "flags"
        flags[name] = int(path.read_text(encoding="ascii"), 16) if path.is_file() else 0
    up = {name: bits for name, bits in flags.items() if bits & UP}
    outward = [name for name, bits in up.items() if not bits & LOOPBACK and bits & MULTICAST]
    if not any(bits & LOOPBACK for bits in up.values()):
        return failed("interfaces", f"no loopback among {', '.join(flags) or 'none'}", "ip link set lo up")
    if reach != "LOCALHOST" and not outward:
        return warning(
            "interfaces", "none but loopback can multicast", "for arms on the network: ip link set <name> multicast on"
        )
    return ok("interfaces", ", ".join(sorted(up)))


def _multicast(reach: str) -> Finding:
    """Send to the group of DDS and hear it again."""
    address = "127.0.0.1" if reach == "LOCALHOST" else "0.0.0.0"
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("", 0))
            receiver.settimeout(ANSWER_S)
            join = socket.inet_aton(GROUP) + socket.inet_aton(address)
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)  # never leaves this machine
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            sent = os.urandom(16)
            sender.sendto(sent, (GROUP, receiver.getsockname()[1]))
            deadline_s = time.monotonic() + ANSWER_S
            while time.monotonic() < deadline_s:
                if receiver.recv(64) == sent:
                    return ok(
                        "multicast", f"{GROUP} is heard on {address if address != '0.0.0.0' else 'the default route'}"
                    )
    except OSError as error:
        return _no_multicast(reach, str(error))
    return _no_multicast(reach, "nothing was heard")


def _no_multicast(reach: str, why: str) -> Finding:
    text = f"{GROUP}: {why}"
    if reach == "LOCALHOST":
        return warning("multicast", text, "ip link set lo multicast on, where nodes do not find each other")
    return warning("multicast", text, "allow IGMP and UDP 7400 in the firewall, or name the peers in ROS_STATIC_PEERS")


def _buffer(reach: str) -> Finding:
    size = int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii"))
    text = f"net.core.rmem_max is {size / 2**20:.1f} MiB"
    if reach != "LOCALHOST" and size < BUFFER:
        return warning("buffer", text, f"for cameras on other machines: sysctl -w net.core.rmem_max={BUFFER}")
    return ok("buffer", text)
