"""``joystick``: a joystick or gamepad, read with pygame, on the topic joy."""

from __future__ import annotations

import sys
from functools import partial

from vlmrl_ros.bridge.shell import run
from vlmrl_ros.nodes.device import DeviceConfig, DeviceNode


def main() -> None:
    """Entry point."""
    sys.exit(
        run(partial(DeviceNode, "joystick"), "A joystick or gamepad, read with pygame, on the topic joy.", DeviceConfig)
    )
