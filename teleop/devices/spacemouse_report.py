"""What a SpaceMouse says: its byte reports, decoded without touching the device.

Every model numbers its reports alike. Report 1 is the translation, three little-endian int16, or on the wireless and
newer models translation and rotation, six of them. Report 2 is the rotation of the older ones. Report 3 is a bit field
of buttons. Others (battery, LED) are of no use here. Raw axes point right, towards the person, and down; each turns by
the right-hand rule.

Sources: the devices' HID report descriptors (logical range of every axis -350 to 350), and the axis conventions that
spacenavd and the ROS package spacenav agree on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np

from vlmrl_ros.core.interfaces import JoyState

FULL_DEFLECTION = 350
"""Greatest value of a raw axis, by the report descriptor."""

_MOTION, _ROTATION, _BUTTONS = 1, 2, 3
_TRIPLE = struct.Struct("<3h")


@dataclass(frozen=True)
class Model:
    """A kind of SpaceMouse.

    Attributes:
        name: as sold.
        buttons: how many button bits its report 3 has; the large models leave some unused.
    """

    name: str
    buttons: int


MODELS = {
    (0x046D, 0xC623): Model("SpaceTraveler", 8),
    (0x046D, 0xC625): Model("SpacePilot", 21),
    (0x046D, 0xC626): Model("SpaceNavigator", 2),
    (0x046D, 0xC627): Model("SpaceExplorer", 15),
    (0x046D, 0xC628): Model("SpaceNavigator for Notebooks", 2),
    (0x046D, 0xC629): Model("SpacePilot Pro", 31),
    (0x046D, 0xC62B): Model("SpaceMouse Pro", 32),
    (0x256F, 0xC62E): Model("SpaceMouse Wireless (cable)", 2),
    (0x256F, 0xC62F): Model("SpaceMouse Wireless (receiver)", 2),
    (0x256F, 0xC631): Model("SpaceMouse Pro Wireless (cable)", 32),
    (0x256F, 0xC632): Model("SpaceMouse Pro Wireless (receiver)", 32),
    (0x256F, 0xC633): Model("SpaceMouse Enterprise", 32),
    (0x256F, 0xC635): Model("SpaceMouse Compact", 2),
    (0x256F, 0xC638): Model("SpaceMouse Pro Wireless (Bluetooth)", 32),
    (0x256F, 0xC63A): Model("SpaceMouse Wireless (Bluetooth)", 2),
    (0x256F, 0xC641): Model("SpaceMouse Module", 0),
    (0x256F, 0xC652): Model("Universal Receiver", 32),
}
"""USB vendor and product to model."""


@dataclass(frozen=True)
class CapState:
    """State of the cap and the buttons, as raw as it comes.

    Attributes:
        translation: right, towards the person, down.
        rotation: about the same axes.
        buttons: bit i is button i.
    """

    translation: tuple[int, int, int] = (0, 0, 0)
    rotation: tuple[int, int, int] = (0, 0, 0)
    buttons: int = 0


def decode(report: bytes, state: CapState) -> CapState:
    """Apply one report.

    Args:
        report: the bytes as they came, report number first.
        state: state before.

    Returns:
        state after; the same one where the report says nothing of cap or buttons, or is cut off.
    """
    if len(report) < 2:
        return state
    number, content = report[0], bytes(report[1:])
    if number == _BUTTONS:
        return replace(state, buttons=int.from_bytes(content[:4], "little"))
    if number == _MOTION and len(content) >= 2 * _TRIPLE.size:
        return replace(
            state, translation=_TRIPLE.unpack_from(content), rotation=_TRIPLE.unpack_from(content, _TRIPLE.size)
        )
    if number == _MOTION and len(content) >= _TRIPLE.size:
        return replace(state, translation=_TRIPLE.unpack_from(content))
    if number == _ROTATION and len(content) >= _TRIPLE.size:
        return replace(state, rotation=_TRIPLE.unpack_from(content))
    return state


def joy_state(state: CapState, buttons: int) -> JoyState:
    """The state as spacenav publishes it.

    Args:
        state: what was decoded.
        buttons: how many buttons to tell of.

    Returns:
        six axes in [-1, 1]: x forward, y left, z up, and turning about them; buttons from bit 0 on.
    """
    raw = [-value for x, y, z in (state.translation, state.rotation) for value in (y, x, z)]
    axes = np.clip(np.array(raw, np.float32) / FULL_DEFLECTION, -1.0, 1.0)
    return JoyState(axes.astype(np.float32), np.array([state.buttons >> i & 1 for i in range(buttons)], np.int32))
