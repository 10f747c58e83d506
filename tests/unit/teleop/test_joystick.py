from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes.virtual_joystick import VirtualJoystick

from vlmrl_ros.core.errors import DeviceError, UnknownNameError
from vlmrl_ros.core.interfaces import Intent
from vlmrl_ros.core.spec import VectorSpec
from vlmrl_ros.teleop.devices import joystick
from vlmrl_ros.teleop.mapping import JoyMapping, load_profile

PLAYER = Path(__file__).parents[2] / "fakes" / "virtual_joystick.py"


@pytest.fixture
def pad():
    virtual = VirtualJoystick()
    yield virtual
    virtual.detach()


@pytest.fixture
def device(pad):
    opened = joystick.build({"device_name": "virtual"})
    yield opened
    opened.close()


def test_axes_are_positive_to_the_left_and_up_as_joy_node_has_them(pad, device):
    pad.play(axes=[-1.0, 1.0, 0.5, -0.25])
    axes = device.read().axes
    np.testing.assert_allclose(axes[:4], [1.0, -1.0, -0.5, 0.25], atol=1e-4)
    assert axes.dtype == np.float32


def test_a_trigger_is_plus_one_at_rest_and_minus_one_when_pressed(pad, device):
    assert device.read().axes[4] == 1.0
    pad.play(axes=[0.0, 0.0, 0.0, 0.0, 1.0])
    assert device.read().axes[4] == -1.0


def test_the_hat_adds_two_axes_positive_to_the_left_and_up(pad, device):
    pad.play(hat=(-1, 1))
    np.testing.assert_array_equal(device.read().axes[6:], [1.0, 1.0])
    pad.play(hat=(1, 0))
    np.testing.assert_array_equal(device.read().axes[6:], [-1.0, 0.0])


def test_buttons_are_one_while_pressed(pad, device):
    pad.play(buttons=[0, 0, 0, 0, 0, 1])
    assert device.read().buttons.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    pad.play(buttons=[0, 0, 0, 0, 0, 0])
    assert not device.read().buttons.any()


def test_a_lost_joystick_is_an_error_until_it_is_back(pad, device):
    device.read()
    pad.detach()
    for _ in range(2):
        with pytest.raises(DeviceError, match="there is no joystick 0 with 'virtual' in its name; connected: "):
            device.read()
    pad.attach()
    pad.play(buttons=[1])
    assert device.read().buttons[0] == 1


def test_without_a_joystick_building_one_says_what_is_connected(pad):
    with pytest.raises(DeviceError, match=r"there is no joystick 31; connected: .*Virtual Controller"):
        joystick.build({"index": 31})
    with pytest.raises(DeviceError, match=r"no joystick 0 with 'thrustmaster' in its name; connected: .*Virtual"):
        joystick.build({"device_name": "thrustmaster"})


def test_a_joystick_is_found_by_part_of_its_name(pad):
    found = joystick.build({"device_name": "virtual"})
    pad.play(buttons=[0, 1])
    assert found.read().buttons[1] == 1
    found.close()


def test_an_unknown_option_is_refused():
    with pytest.raises(UnknownNameError, match="unknown joystick key 'port'; valid: device_name, index"):
        joystick.build({"port": 3})


def test_a_persons_hand_reaches_the_action_through_the_xbox_profile(pad, device):
    action = VectorSpec(("linear_x",), ("m/s",), np.array([-0.1], np.float32), np.array([0.1], np.float32))
    xbox = JoyMapping(load_profile("xbox"), action)
    pad.play(axes=[0.0, -1.0], buttons=[0, 0, 0, 0, 0, 1])
    human = xbox.read(device.read())
    assert human.takeover
    np.testing.assert_allclose(human.action, [0.1], rtol=1e-5)
    pressed = xbox.to_joy(Intent(human.takeover, human.action))
    assert pressed.axes[1] == pytest.approx(1.0)


PROGRAM = """
from vlmrl_ros.teleop.devices import joystick

def main():
    device = joystick.build({"device_name": "virtual"})
    seen = None
    while True:
        state = device.read()
        now = [round(float(x), 3) for x in state.axes[:2]] + [int(state.buttons[0])]
        if now != seen:
            seen = now
            print(now, flush=True)
"""


def test_another_program_can_be_played_a_script_and_still_heeds_signals(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    root = str(Path(__file__).parents[3])
    child = subprocess.Popen(
        [sys.executable, str(PLAYER), "program:main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{tmp_path}:{root}", "PATH": "/usr/bin:/bin"},
    )
    try:
        assert child.stdout.readline() == "[0.0, 0.0, 0]\n"
        child.stdin.write(json.dumps({"axes": [-1.0, 1.0]}) + "\n")
        child.stdin.flush()
        while (line := child.stdout.readline()) != "[1.0, -1.0, 0]\n":
            assert line
        child.stdin.write(json.dumps({"after_s": 0.01, "buttons": [1]}) + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "[1.0, -1.0, 1]\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=10) == -signal.SIGTERM
    finally:
        child.kill()
        child.communicate()
