"""What every registered device promises; a new one is held to it without a line here."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import ConfigError, DeviceError, UnknownNameError

DEVICES = registry.names("devices")


@pytest.fixture(params=DEVICES)
def build(request: pytest.FixtureRequest):
    return registry.load("devices", request.param)


@pytest.mark.parametrize("device", DEVICES)
def test_there_is_an_executable_of_its_name(device):
    assert find_spec(f"vlmrl_ros.nodes.{device}") is not None


def test_without_hardware_one_line_says_what_was_looked_for(build):
    with pytest.raises(DeviceError, match=r"^there is no .* 31; connected: .*$") as caught:
        build({"index": 31})
    assert "\n" not in str(caught.value)


def test_an_unknown_option_is_refused_with_those_that_exist(build):
    with pytest.raises(UnknownNameError, match=r"unknown .* key 'baud_rate'; valid: .*index"):
        build({"baud_rate": 9600})


def test_a_value_out_of_range_is_refused_with_the_range(build):
    with pytest.raises(ConfigError, match="index is -1; valid: 0 to 31"):
        build({"index": -1})


def test_looking_devices_up_loads_no_driver():
    code = "import sys; from vlmrl_ros.core import registry; registry.names('devices'); "
    code += "sys.exit(any(driver in sys.modules for driver in ('pygame', 'hid')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
