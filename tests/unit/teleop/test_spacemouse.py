"""The reports were recorded by owners of the devices and made public: SpaceNavigator in the documents of the project
AndunHH/spacemouse, SpaceMouse Compact in a log sent to CloudCompare, SpaceMouse Wireless in one sent to
nytamin/spacemouse.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.errors import DeviceError, UnknownNameError
from vlmrl_ros.teleop.devices import spacemouse
from vlmrl_ros.teleop.devices.spacemouse import SpaceMouse, SpaceMouseConfig
from vlmrl_ros.teleop.devices.spacemouse_report import MODELS, CapState, decode, joy_state

NAVIGATOR = ["01 00 00 00 00 00 00", "02 00 00 e2 ff 00 00", "03 01 00", "03 03 00", "03 02 00", "03 00 00"]
COMPACT = ["02 20 00 00 00 17 00", "01 12 00 00 00 f8 00", "02 20 00 00 00 19 00", "01 12 00 00 00 12 01"]
WIRELESS_PUSHED_DOWN = [
    "01 00 00 00 00 01 00 00 00 00 00 00 00",
    "01 00 00 00 00 04 00 00 00 00 00 00 00",
    "01 00 00 00 00 07 00 00 00 00 00 00 00",
]


def play(reports: list[str]) -> CapState:
    state = CapState()
    for report in reports:
        state = decode(bytes.fromhex(report), state)
    return state


def test_the_navigators_rotation_comes_in_a_report_of_its_own():
    assert play(NAVIGATOR[:2]) == CapState(rotation=(0, -30, 0))


def test_the_navigators_buttons_are_bits_of_report_three():
    states = [play(NAVIGATOR[: 3 + i]).buttons for i in range(4)]
    assert states == [0b01, 0b11, 0b10, 0b00]


def test_the_compacts_translation_and_rotation_alternate_and_join():
    assert play(COMPACT) == CapState(translation=(18, 0, 274), rotation=(32, 0, 25))


def test_the_wireless_sends_six_axes_in_one_report_and_down_is_negative_z():
    state = play(WIRELESS_PUSHED_DOWN)
    assert state == CapState(translation=(0, 0, 7))
    np.testing.assert_allclose(joy_state(state, 2).axes, [0, 0, -0.02, 0, 0, 0], atol=1e-7)


def test_a_six_axis_report_carries_the_rotation_too():
    report = "01 01 00 02 00 03 00 fc ff fb ff fa ff"
    assert play([report]) == CapState(translation=(1, 2, 3), rotation=(-4, -5, -6))


def test_axes_are_those_of_spacenav():
    """Right, towards the person, down become -y, -x, -z: forward, left and up are positive."""
    state = CapState(translation=(35, -70, -105), rotation=(-140, 175, 210))
    np.testing.assert_allclose(joy_state(state, 0).axes, [0.2, -0.1, 0.3, -0.5, 0.4, -0.6], rtol=1e-6)


def test_axes_beyond_full_deflection_are_cut():
    np.testing.assert_array_equal(joy_state(CapState((0, -400, 500)), 0).axes, [1, 0, -1, 0, 0, 0])


@pytest.mark.parametrize("report", ["", "01", "17 64 01", "01 00 00 01", "02 00 00", "63 00 00 00 00 00 00"])
def test_reports_of_other_things_or_cut_off_change_nothing(report):
    state = CapState((1, 2, 3), (4, 5, 6), 1)
    assert decode(bytes.fromhex(report), state) is state


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_no_bytes_break_the_decoder(reports):
    state = CapState()
    for report in reports:
        state = decode(report, state)
    axes = joy_state(state, 32).axes
    assert axes.shape == (6,)
    assert (np.abs(axes) <= 1).all()


class Recording:
    """Stands in for the ``hid`` module: devices that replay recorded reports."""

    def __init__(self, vendor_id: int, product_id: int, reports: list[str], path: bytes = b"/dev/hidraw-none"):
        self.reports = [list(bytes.fromhex(report)) for report in reports]
        self.items = [
            {"vendor_id": 0x046D, "product_id": 0xC52B, "path": b"/dev/hidraw0", "usage_page": 1, "usage": 6},
            {"vendor_id": vendor_id, "product_id": product_id, "path": b"/dev/hidraw1", "usage_page": 1, "usage": 6},
            {"vendor_id": vendor_id, "product_id": product_id, "path": path, "usage_page": 1, "usage": 8},
        ]
        self.allowed = self.plugged = True

    def enumerate(self, vendor_id, product_id):
        return self.items if self.plugged else []

    def device(self):
        return self

    def open_path(self, path):
        self.opened = path
        if not self.allowed:
            raise OSError("open failed")

    def set_nonblocking(self, on):
        assert on

    def read(self, size):
        if not self.plugged:
            raise OSError("read error")
        return self.reports.pop(0) if self.reports else []

    def close(self):
        self.opened = None


def test_the_device_reads_all_that_waits_and_keeps_the_state_when_nothing_does():
    backend = Recording(0x256F, 0xC635, COMPACT)
    device = SpaceMouse(SpaceMouseConfig(), backend)
    first, second = device.read(), device.read()
    np.testing.assert_allclose(first.axes, -np.array([0, 18, 274, 0, 32, 25]) / 350, atol=1e-6)
    np.testing.assert_array_equal(second.axes, first.axes)
    assert first.buttons.tolist() == [0, 0]


def test_of_a_receivers_interfaces_the_one_with_the_cap_is_opened():
    backend = Recording(0x256F, 0xC652, [])
    SpaceMouse(SpaceMouseConfig(), backend)
    assert backend.opened == b"/dev/hidraw-none"


def test_a_lost_device_is_an_error_until_it_is_back_and_forgets_its_state():
    backend = Recording(0x046D, 0xC626, NAVIGATOR[:3])
    device = SpaceMouse(SpaceMouseConfig(), backend)
    assert device.read().buttons.tolist() == [1, 0]
    backend.plugged = False
    with pytest.raises(DeviceError, match="the SpaceNavigator was lost: read error"):
        device.read()
    with pytest.raises(DeviceError, match="there is no SpaceMouse 0; connected: none"):
        device.read()
    backend.plugged = True
    assert device.read().buttons.tolist() == [0, 0]


def test_a_missing_permission_is_answered_with_the_udev_rule(tmp_path):
    node = tmp_path / "hidraw3"
    node.touch()
    backend = Recording(0x256F, 0xC62E, [], os.fsencode(node))
    backend.allowed = False
    with pytest.raises(DeviceError, match=r'cannot be opened: open failed; .*KERNELS=="\*:256F:C62E\.\*"'):
        SpaceMouse(SpaceMouseConfig(), backend)


def test_the_real_library_is_asked_and_a_device_that_is_not_there_is_named():
    with pytest.raises(DeviceError, match="there is no SpaceMouse 31; connected: "):
        spacemouse.build({"index": 31})


def test_an_unknown_option_is_refused():
    with pytest.raises(UnknownNameError, match="unknown spacemouse key 'path'; valid: index"):
        spacemouse.build({"path": "x"})


def test_the_table_knows_both_vendors():
    assert {vendor for vendor, _ in MODELS} == {0x046D, 0x256F}
