from __future__ import annotations

import re

import pytest
from rclpy.qos import HistoryPolicy, QoSProfile

from vlmrl_ros.bridge import qos

PROFILES = {name: value for name, value in vars(qos).items() if isinstance(value, QoSProfile)}
ROW = re.compile(r"^``(\w+)``\s+(reliable|best effort)\s+(volatile|transient local)\s+(\d+)\s", re.MULTILINE)
TABLE = {name: rest for name, *rest in ROW.findall(qos.__doc__)}


def test_the_table_of_the_module_lists_every_profile_and_no_other():
    assert TABLE.keys() == PROFILES.keys()


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_profile_is_what_the_table_says(name):
    profile = PROFILES[name]
    words = [profile.reliability.name, profile.durability.name]
    assert [word.lower().replace("_", " ") for word in words] == TABLE[name][:2]
    assert (profile.history, profile.depth) == (HistoryPolicy.KEEP_LAST, int(TABLE[name][2]))


def test_an_old_command_never_reaches_a_bridge_that_joins_late():
    assert PROFILES["COMMAND"].durability.name == "VOLATILE"
    assert PROFILES["COMMAND"].depth == 1
