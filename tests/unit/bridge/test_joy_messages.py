from __future__ import annotations

import array

import numpy as np
import pytest
from fakes.wire import sent
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sensor_msgs.msg import Joy

from vlmrl_ros.bridge import joy_messages, messages
from vlmrl_ros.core.errors import NonFiniteError, RangeError
from vlmrl_ros.core.interfaces import JoyState

STAMP_NS = 12_345_678_901


@given(
    axes=hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(-1, 1, width=32)),
    buttons=hnp.arrays(np.int32, st.integers(0, 20), elements=st.integers(0, 1)),
)
def test_a_joystick_survives(axes, buttons):
    message = sent(joy_messages.joy_message(STAMP_NS, JoyState(axes, buttons)))
    read = joy_messages.read_joy(message)
    np.testing.assert_array_equal(read.axes, axes)
    np.testing.assert_array_equal(read.buttons, buttons)
    assert messages.stamp_of(message) == STAMP_NS


def test_a_device_without_axes_and_buttons_is_read():
    read = joy_messages.read_joy(sent(Joy()))
    assert (read.axes.shape, read.buttons.shape) == ((0,), (0,))


@pytest.mark.parametrize(("axes", "buttons"), [(1025, 0), (0, 1025)])
def test_a_device_of_a_thousand_axes_is_refused(axes, buttons):
    joy = Joy(axes=array.array("f", bytes(4 * axes)), buttons=array.array("i", bytes(4 * buttons)))
    with pytest.raises(RangeError, match=f"joy has {axes} axes and {buttons} buttons; the most that is read is 1024"):
        joy_messages.read_joy(joy)


@pytest.mark.parametrize(
    ("axes", "buttons", "error"),
    [
        ([0, np.nan], [0], NonFiniteError),
        ([1e30], [0], RangeError),
        ([0], [0, -1], RangeError),
        ([], [256], RangeError),
    ],
)
def test_a_reading_that_no_device_gives_is_refused(axes, buttons, error):
    with pytest.raises(error, match=r"axis 1 is not finite|deflection of 1e\+30|a button of (-1|256); valid: 0 and 1"):
        joy_messages.read_joy(Joy(axes=array.array("f", axes), buttons=array.array("i", buttons)))
