from __future__ import annotations

import pytest
from launch import LaunchContext

from vlmrl_ros.bridge.arguments import Arguments, declare
from vlmrl_ros.bridge.operators import (
    HARMLESS,
    PERSONS,
    PROFILE,
    PROFILES,
    WHO,
    check_attended,
    device_nodes,
    operator_argument,
    teleop_parameters,
)
from vlmrl_ros.teleop.profile import profile_names


def arguments(**given: str) -> Arguments:
    context = LaunchContext()
    context.launch_configurations.update(given)
    for action in declare({"operator": operator_argument("who acts", *WHO), "profile": PROFILE}):
        action.visit(context)
    return Arguments(context)


def test_each_operator_is_explained_and_the_first_is_the_default():
    default, says, names = operator_argument("who acts", "joy", "none")
    assert (default, names) == ("joy", ("joy", "none"))
    assert says == f"who acts; joy: {WHO['joy']}; none: nobody; not with a real arm"


def test_each_operator_has_a_profile_that_there_is():
    assert PROFILES.keys() == WHO.keys()
    assert set(PROFILES.values()) <= set(profile_names())


@pytest.mark.parametrize("operator", WHO)
def test_with_a_person_and_only_then_the_policy_needs_a_live_joystick(operator):
    given = teleop_parameters(arguments(operator=operator))
    assert given["arbiter.require_joy"] is (operator in PERSONS)
    assert given["joy_sync"] is (operator == "scripted")


def test_a_joy_of_ones_own_is_read_as_an_xbox_pad_unless_a_profile_is_named():
    assert teleop_parameters(arguments(operator="joy"))["profile"] == "xbox"
    assert teleop_parameters(arguments(operator="joy", profile="mine.yaml"))["profile"] == "mine.yaml"


def test_only_devices_of_this_machine_have_a_node_that_reads_them():
    assert device_nodes(arguments(operator="spacemouse"), 1) == {"spacemouse": {"spacemouse.index": 1}}
    assert device_nodes(arguments(operator="joystick")) == {"joystick": {"joystick.index": 0}}
    assert not any(device_nodes(arguments(operator=operator)) for operator in ("joy", "scripted", "script", "none"))


@pytest.mark.parametrize("operator", WHO)
def test_a_simulated_arm_goes_with_every_operator(operator):
    check_attended(arguments(operator=operator), *HARMLESS)


@pytest.mark.parametrize("operator", ["none", "script"])
@pytest.mark.parametrize("arm", ["ur5e", "my_arms/sim_arm.yaml"])
def test_a_real_arm_among_others_is_not_left_to_a_policy_alone(operator, arm):
    says = f"operator is '{operator}', but nobody could stop the policy that moves arm:={arm}; valid: joystick, "
    with pytest.raises(ValueError, match=says):
        check_attended(arguments(operator=operator), "sim_arm", arm)


@pytest.mark.parametrize("operator", [*PERSONS, "scripted"])
def test_a_real_arm_goes_with_whoever_takes_over(operator):
    check_attended(arguments(operator=operator), "ur5e")
