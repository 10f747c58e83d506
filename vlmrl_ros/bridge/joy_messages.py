"""``joy`` of any device, to numpy and back."""

from __future__ import annotations

import array

import numpy as np
from sensor_msgs.msg import Joy

from vlmrl_ros.bridge.messages import to_time
from vlmrl_ros.core.errors import NonFiniteError, RangeError
from vlmrl_ros.core.interfaces import JoyState

MAX_JOY = 1024
"""Most axes and most buttons of a device."""
MAX_DEFLECTION = 1000.0
"""Greatest axis of a device; joy_node and spacenav_node send 1 for full deflection."""


def joy_message(stamp_ns: int, state: JoyState) -> Joy:
    """Compose ``joy``."""
    message = Joy()
    message.header.stamp = to_time(stamp_ns)
    message.axes = array.array("f", np.asarray(state.axes, np.float32).tobytes())
    message.buttons = array.array("i", np.asarray(state.buttons, np.int32).tobytes())
    return message


def read_joy(message: Joy) -> JoyState:
    """Read ``joy`` of any device.

    Raises:
        NonFiniteError: an axis is NaN or infinite.
        RangeError: more than :data:`MAX_JOY` axes or buttons, an axis beyond :data:`MAX_DEFLECTION`, or a button that
            is neither 0 nor 1.
    """
    if max(len(message.axes), len(message.buttons)) > MAX_JOY:
        got = f"{len(message.axes)} axes and {len(message.buttons)} buttons"
        raise RangeError(f"joy has {got}; the most that is read is {MAX_JOY} each")
    axes = np.array(message.axes, np.float32)
    if not np.isfinite(axes).all():
        raise NonFiniteError(f"joystick axis {int(np.argmin(np.isfinite(axes)))} is not finite")
    if np.abs(axes).max(initial=0.0) > MAX_DEFLECTION:
        raise RangeError(f"joy has a deflection of {np.abs(axes).max():g}; the most that is read is {MAX_DEFLECTION:g}")
    buttons = np.array(message.buttons, np.int32)
    if ((buttons != 0) & (buttons != 1)).any():
        raise RangeError(f"joy has a button of {buttons[(buttons != 0) & (buttons != 1)][0]}; valid: 0 and 1")
    return JoyState(axes, buttons)
