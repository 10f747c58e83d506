"""Values computed while a launch runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from launch import LaunchContext
from launch.conditions import (
    IfCondition,
    InvalidConditionExpressionError,
    LaunchConfigurationEquals,
    LaunchConfigurationNotEquals,
    UnlessCondition,
)
from launch.substitutions import (
    AllSubstitution,
    AndSubstitution,
    AnonName,
    AnySubstitution,
    Command,
    EnvironmentVariable,
    EqualsSubstitution,
    FileContent,
    FindExecutable,
    IfElseSubstitution,
    LaunchConfiguration,
    LocalSubstitution,
    NotEqualsSubstitution,
    NotSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)


@pytest.fixture
def context() -> LaunchContext:
    made = LaunchContext()
    made.launch_configurations.update(arm="panda", fast="true", rate="20")
    return made


def test_a_configuration_has_the_value_that_was_set(context: LaunchContext) -> None:
    assert LaunchConfiguration("arm").perform(context) == "panda"
    assert LaunchConfiguration(["a", "rm"]).perform(context) == "panda"


def test_a_missing_configuration_falls_back_or_names_those_that_are_set(context: LaunchContext) -> None:
    assert LaunchConfiguration("speed", default=5).perform(context) == "5"
    assert LaunchConfiguration("speed", default=[LaunchConfiguration("arm"), "_2"]).perform(context) == "panda_2"
    with pytest.raises(SubstitutionFailure, match="'speed' does not exist; set here: arm, fast, rate"):
        LaunchConfiguration("speed").perform(context)


@pytest.mark.parametrize(
    ("substitution", "expected"),
    [
        (NotSubstitution(LaunchConfiguration("fast")), "false"),
        (AndSubstitution(LaunchConfiguration("fast"), "1"), "true"),
        (OrSubstitution("false", "0"), "false"),
        (AnySubstitution("false", "False", "TRUE"), "true"),
        (AllSubstitution("true", LaunchConfiguration("fast"), "0"), "false"),
        (IfElseSubstitution(LaunchConfiguration("fast"), "quick", "slow"), "quick"),
        (IfElseSubstitution("0", if_value="quick"), ""),
        (EqualsSubstitution(LaunchConfiguration("arm"), "panda"), "true"),
        (EqualsSubstitution(LaunchConfiguration("rate"), 20.0), "true"),
        (EqualsSubstitution(LaunchConfiguration("fast"), True), "true"),
        (EqualsSubstitution(None, ""), "true"),
        (NotEqualsSubstitution("a", "b"), "true"),
        (PythonExpression(["2 * ", LaunchConfiguration("rate"), " + int(sqrt(4))"]), "42"),
        (PythonExpression(["'", LaunchConfiguration("arm"), "' == 'panda'"]), "True"),
        (PythonExpression("json.dumps([1])", ["json"]), "[1]"),
        (PathJoinSubstitution(["/share", [LaunchConfiguration("arm"), "_v1"], "x.yaml"]), "/share/panda_v1/x.yaml"),
        (PathJoinSubstitution(["/share"]) / "a" / LaunchConfiguration("arm"), "/share/a/panda"),
        (Command([sys.executable, " -Sc 'print(7)'"]), "7\n"),
        (EnvironmentVariable("ROS2LITE_NOT_SET", default_value="there"), "there"),
    ],
)  # fmt: skip
def test_substitution_gives(substitution: TextSubstitution, expected: str, context: LaunchContext) -> None:
    assert substitution.perform(context) == expected


@pytest.mark.parametrize(
    ("substitution", "complaint"),
    [
        (NotSubstitution("maybe"), "'maybe' is not a bool, expected one of true, 1, false, 0"),
        (PythonExpression("1 / 0"), "expression '1 / 0' failed: ZeroDivisionError"),
        (EnvironmentVariable("ROS2LITE_NOT_SET"), "'ROS2LITE_NOT_SET' does not exist"),
        (FindExecutable("ros2lite_no_such_program"), "'ros2lite_no_such_program' not found on the PATH"),
        (Command("ros2lite_no_such_program x"), "command 'ros2lite_no_such_program x' cannot be run"),
        (Command([sys.executable, " -Sc 'raise SystemExit(3)'"]), "failed with exit code 3"),
        (Command("true", on_stderr="perhaps"), "expected one of fail, ignore, warn, capture"),
        (FileContent("/ros2lite/no/such/file"), "'/ros2lite/no/such/file' cannot be read"),
        (LocalSubstitution("event.name"), "local 'event.name' does not exist"),
        (LocalSubstitution("; import os"), "malformed at '; import os'"),
        (ThisLaunchFileDir(), "used outside of a launch file"),
    ],
)
def test_a_value_that_cannot_be_computed_says_why(
    substitution: TextSubstitution, complaint: str, context: LaunchContext
) -> None:
    with pytest.raises(SubstitutionFailure, match=complaint):
        substitution.perform(context)


def test_a_local_is_reached_by_attributes_and_items(context: LaunchContext) -> None:
    context.extend_locals({"event": type("Event", (), {"cmd": ["run", "it"], "env": {"KEY": "value"}})()})
    assert LocalSubstitution("event.cmd[1]").perform(context) == "it"
    assert LocalSubstitution("event.env['KEY']").perform(context) == "value"


def test_an_anonymous_name_is_the_same_all_over_a_launch_and_new_in_the_next(context: LaunchContext) -> None:
    first = AnonName("cam").perform(context)
    assert first.startswith("cam_")
    assert first == AnonName("cam").perform(context)
    assert first != AnonName("cam").perform(LaunchContext())


def test_a_file_content_is_its_text(tmp_path: Path, context: LaunchContext) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert FileContent([str(tmp_path), "/a.txt"]).perform(context) == "text"


def test_conditions_follow_their_values(context: LaunchContext) -> None:
    assert IfCondition(LaunchConfiguration("fast")).evaluate(context)
    assert not UnlessCondition(LaunchConfiguration("fast")).evaluate(context)
    assert IfCondition(" True ").evaluate(context)
    assert UnlessCondition("0").evaluate(context)
    assert LaunchConfigurationEquals("arm", "panda").evaluate(context)
    assert LaunchConfigurationEquals("not_set", None).evaluate(context)
    assert LaunchConfigurationNotEquals("arm", "fetch").evaluate(context)


def test_a_condition_that_is_neither_true_nor_false_is_an_error(context: LaunchContext) -> None:
    with pytest.raises(InvalidConditionExpressionError, match="'panda', expected one of true, 1, false, 0"):
        IfCondition(LaunchConfiguration("arm")).evaluate(context)
