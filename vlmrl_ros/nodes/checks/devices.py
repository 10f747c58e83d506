"""Which input devices are there, and may this user read them?"""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path

import hid

from vlmrl_ros.nodes.checks.finding import Finding, ok, warning

JOYSTICKS = "/dev/input/js*"
SPACEMOUSE = ((0x046D, range(0xC600, 0xC660)), (0x256F, range(0xC600, 0xC700)))
"""USB vendors of 3Dconnexion (before and since it left Logitech) and their products."""
RULE = 'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="256f", MODE="0660", TAG+="uaccess"'


def check() -> list[Finding]:
    """Joysticks by the kernel's names, SpaceMouse by its USB identity."""
    return [_joystick(), _spacemouse()]


def _joystick() -> Finding:
    found = sorted(glob(JOYSTICKS))
    if not found:
        fix = "plug one in (operator:=joystick); operator:=joy, :=scripted and :=none read none here"
        return warning("joystick", "none", fix)
    closed = [path for path in found if not os.access(path, os.R_OK)]
    if closed:
        fix = f"sudo usermod -aG input {os.environ.get('USER', '$USER')}, then log in again"
        return warning("joystick", f"{', '.join(closed)} may not be read", fix)
    return ok("joystick", ", ".join(f"{path} ({_name(path)})" for path in found))


def _name(path: str) -> str:
    name = Path("/sys/class/input") / Path(path).name / "device" / "name"
    return name.read_text(encoding="utf-8").strip() if name.is_file() else "unnamed"


def _spacemouse() -> Finding:
    found = [
        device
        for device in hid.enumerate()
        if any(device["vendor_id"] == vendor and device["product_id"] in products for vendor, products in SPACEMOUSE)
    ]
    if not found:
        return warning("spacemouse", "none", "plug one in for operator:=spacemouse")
    paths = {device["path"].decode() for device in found}
    closed = sorted(path for path in paths if path.startswith("/dev/") and not os.access(path, os.R_OK | os.W_OK))
    if closed:
        fix = f"put into /etc/udev/rules.d/70-spacemouse.rules and plug in again: {RULE}"
        return warning("spacemouse", f"{', '.join(closed)} may not be opened", fix)
    return ok("spacemouse", found[0]["product_string"] or "found")
