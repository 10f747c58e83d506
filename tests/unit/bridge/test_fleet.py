from __future__ import annotations

import pytest

from vlmrl_ros.bridge.fleet import Arm, arm_names, arms, check_discovery


def test_each_arm_has_randomness_of_its_own_and_a_share_of_the_demonstrations():
    fleet = arms(4, 7, demonstrations=10)
    assert fleet == arms(4, 7, demonstrations=10)
    assert [arm.name for arm in fleet] == arm_names(4)
    assert fleet[0].seed == 7
    assert len({arm.seed for seed in (7, 8) for arm in arms(4, seed, 0)}) == 8
    assert all(0 <= arm.seed < 2**31 for arm in fleet)
    assert [arm.demonstrations for arm in fleet] == [3, 3, 2, 2]
    assert arms(1, 7, 15) == [Arm("", 0, 7, 15)]
    with pytest.raises(ValueError, match="launch argument seed is '-1'; valid: 0 or more"):
        arms(2, -1, 0)


@pytest.mark.parametrize("count", [-1, 0, 17])
def test_a_fleet_of_another_size_is_refused(count):
    with pytest.raises(ValueError, match=f"launch argument num_arms is '{count}'; valid: 1 to 16"):
        arm_names(count)


@pytest.fixture
def near(monkeypatch):
    """A machine that looks for nobody beyond it, with the usual middleware."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.delenv("RMW_IMPLEMENTATION", raising=False)
    return monkeypatch


def test_more_processes_than_can_find_each_other_are_refused(near):
    check_discovery(32)
    with pytest.raises(ValueError, match=r"this launch has 33 processes, and with .*=LOCALHOST .* 32 find each other"):
        check_discovery(33)


@pytest.mark.parametrize(
    ("name", "value"), [("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET"), ("RMW_IMPLEMENTATION", "rmw_zenoh_cpp")]
)
def test_where_all_find_each_other_any_number_is_allowed(near, name, value):
    near.setenv(name, value)
    check_discovery(82)
