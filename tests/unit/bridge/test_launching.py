from __future__ import annotations

import pytest
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.utilities import expand

from vlmrl_ros.bridge.launching import COMMON, Arguments, Arm, Managed, arm_names, arms, declare, environment, managed
from vlmrl_ros.core.errors import UnknownNameError


def arguments(pushed: str = "", **given: str) -> Arguments:
    """The arguments as a launch file sees them: the defaults of COMMON, and what a user gave."""
    context = LaunchContext()
    if pushed:
        context.launch_configurations["ros_namespace"] = pushed
    context.launch_configurations.update(given)
    for action in declare(COMMON):
        action.visit(context)
    return Arguments(context)


def expanded(text: object) -> str:
    return expand(LaunchContext(), text)


def test_an_argument_that_is_not_given_has_its_default():
    made = arguments(seed="7")
    assert (made.text("task"), made.integer("seed"), made.flag("headless")) == ("peg_insert", 7, True)


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("True", True), ("false", False), ("FALSE", False)])
def test_a_flag_is_true_or_false_in_any_case(text, flag):
    context = LaunchContext()
    context.launch_configurations["headless"] = text
    assert Arguments(context).flag("headless") is flag


@pytest.mark.parametrize("text", ["yes", "1", "", "maybe"])
def test_any_other_flag_is_refused_with_the_valid_ones(text):
    context = LaunchContext()
    context.launch_configurations["headless"] = text
    with pytest.raises(ValueError, match=f"launch argument headless is '{text}'; valid: true, false"):
        Arguments(context).flag("headless")


@pytest.mark.parametrize("text", ["two", "1.5", "", "0x10"])
def test_a_number_that_is_not_whole_is_refused(text):
    with pytest.raises(ValueError, match=f"launch argument seed is '{text}'; valid: a whole number"):
        arguments(seed=text).integer("seed")


def test_an_unknown_plug_in_is_refused_before_anything_starts():
    with pytest.raises(UnknownNameError, match=r"unknown task 'juggle'; valid: .*peg_insert"):
        arguments(task="juggle").plugin("task", "tasks")
    assert arguments(task="gym:Some-v1").plugin("task", "tasks") == "gym:Some-v1"


def test_every_argument_is_declared_with_default_description_and_choices():
    declared = {action.name: action for action in declare(COMMON)}
    assert all(isinstance(action, DeclareLaunchArgument) and action.description for action in declared.values())
    assert declared.keys() == COMMON.keys()
    assert list(declared["log_level"].choices) == ["debug", "info", "warn", "error", "fatal"]
    assert declared["task"].choices is None


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(RuntimeError, match=r"log_level.*loud"):
        arguments(log_level="loud")


def test_each_node_is_started_and_the_manager_last():
    actions = managed(arguments(), [("sim_bridge", {"task": "reach"}), ("teleop", {})])
    assert [action.node_executable for action in actions] == ["sim_bridge", "teleop", "lifecycle_manager"]
    assert {action.node_package for action in actions} == {"vlmrl_ros"}


def test_the_arms_of_a_fleet_have_namespaces_and_a_clock_of_their_own():
    rows = [("learner", {}), *(Managed("sim_bridge", {}, arm) for arm in arm_names(2))]
    actions = managed(arguments(namespace="lab"), rows)
    assert [row.name for row in rows[1:]] == ["arm_0/sim_bridge", "arm_1/sim_bridge"]
    spaces = [expanded(action._namespace) for action in actions]
    assert spaces == ["lab", "lab/arm_0", "lab/arm_1", "lab"]
    clocks = [[expanded(new) for old, new in action._remappings if expanded(old) == "/clock"] for action in actions]
    assert clocks == [["arm_0/clock"], ["clock"], ["clock"], ["arm_0/clock"]]


@pytest.mark.parametrize(
    ("pushed", "given", "full"), [("", "", ""), ("", "lab", "/lab"), ("/hall", "lab", "/hall/lab"), ("x", "/y/", "/y")]
)
def test_the_arms_of_a_fleet_have_the_learners_weights_and_one_clock_where_none_of_them_keeps_time(pushed, given, full):
    rows = [("learner", {}), *(Managed("policy_server", {}, arm) for arm in arm_names(2))]
    actions = managed(arguments(pushed, namespace=given), rows)
    renamed = [[tuple(map(expanded, pair)) for pair in action._remappings] for action in actions]
    assert renamed == [[], [("weights", f"{full}/weights")], [("weights", f"{full}/weights")], []]


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


def test_a_single_arm_has_neither():
    assert arm_names(1) == [""]
    assert managed(arguments(), [("sim_bridge", {})])[0]._remappings == []


@pytest.mark.parametrize("count", [-1, 0, 17])
def test_a_fleet_of_another_size_is_refused(count):
    with pytest.raises(ValueError, match=f"launch argument num_arms is '{count}'; valid: 1 to 16"):
        arm_names(count)


@pytest.mark.parametrize(
    ("given", "chosen"), [({}, True), ({"MUJOCO_GL": "osmesa"}, False), ({"DISPLAY": ":0"}, False)]
)
def test_off_screen_rendering_is_chosen_where_there_is_no_display_and_nobody_chose(monkeypatch, given, chosen):
    for name in ("MUJOCO_GL", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    context = LaunchContext()
    actions = environment()
    assert all(isinstance(action, SetEnvironmentVariable) for action in actions)
    for action in actions:
        action.visit(context)
    assert (context.environment.get("MUJOCO_GL") == "egl") is chosen
