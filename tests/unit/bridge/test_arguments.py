from __future__ import annotations

import os
import subprocess

import pytest
from fakes.arguments import arguments
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument

from vlmrl_ros.bridge.arguments import COMMON, DATA, Arguments, declare
from vlmrl_ros.core.errors import UnknownNameError


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


def data_arguments(**given: str) -> Arguments:
    context = LaunchContext()
    context.launch_configurations.update(given)
    for action in declare(DATA):
        action.visit(context)
    return Arguments(context)


def test_demonstrations_are_a_number_that_the_operators_show_or_bags_that_the_learner_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    bags = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert (data_arguments().shown(), data_arguments().data()) == (15, {})
    given = data_arguments(demonstrations=f"one, {tmp_path}/two")
    assert (given.shown(), given.data()) == (0, {"demonstrations": bags})
    offline = data_arguments(offline="one,two", demonstrations="3")
    assert (offline.shown(), offline.data()) == (0, {"offline": bags})
    before = data_arguments(offline="one,two", offline_updates="7")
    assert (before.shown(), before.data()) == (0, {"offline": bags, "offline_updates": 7})
    with pytest.raises(ValueError, match="offline_updates is '7'; name the bags to learn from by offline:="):
        data_arguments(offline_updates="7").data()


@pytest.mark.parametrize("text", ["-3", "fifteen", "", "nowhere", "nowhere,"])
def test_demonstrations_that_are_neither_are_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = text.split(",")[0]
    with pytest.raises(
        ValueError, match=f"demonstrations names '{wrong}', which is no directory; valid: a whole number"
    ):
        data_arguments(demonstrations=text).shown()
    with pytest.raises(ValueError, match="offline names '7', which is no directory; valid: bags, run directories"):
        data_arguments(offline="7").data()


def test_an_unknown_plug_in_is_refused_before_anything_starts():
    with pytest.raises(UnknownNameError, match=r"unknown task 'juggle'; valid: .*peg_insert"):
        arguments(task="juggle").plugin("task", "tasks")
    assert arguments(task="gym:Some-v1").plugin("task", "tasks") == "gym:Some-v1"


def test_what_a_task_shows_is_an_option_of_it_and_an_arms_cameras_are_in_its_file():
    assert arguments().shows("reach", arm="sim_arm") == {}
    assert arguments(observation="pixels").shows("reach") == {"reach.observation": "pixels"}
    assert arguments(observation="both").shows("dm:cartpole-swingup") == {"dm.observation": "both"}
    with pytest.raises(ValueError, match="observation is 'pixels', but what arm:=so101 sees is in its file"):
        arguments(observation="pixels").shows("reach", arm="so101")


def test_a_checkpoint_is_shown_what_it_was_trained_on_and_nothing_else():
    trained = {"task": "reach", "observation": "pixels"}
    shown = {"reach.observation": "pixels"}
    assert arguments().shows("reach", trained=trained) == shown
    assert arguments(observation="pixels").shows("reach", trained=trained) == shown
    line = "observation is 'both', but the checkpoint was trained with observation:=pixels; leave it out"
    with pytest.raises(ValueError, match=line):
        arguments(observation="both").shows("reach", trained=trained)


@pytest.mark.parametrize(
    ("arm", "trained"),
    [
        ("so101", {"task": "reach", "observation": "pixels"}),
        ("", {"task": "pick_lift", "observation": "pixels"}),
        ("", {"task": "reach", "observation": ""}),
        ("", {"task": "reach"}),
    ],
)
def test_an_arm_another_task_and_a_checkpoint_that_does_not_say_leave_it_open(arm, trained):
    assert arguments().shows("reach", arm, trained) == {}


def test_every_argument_is_declared_with_default_description_and_choices():
    declared = {action.name: action for action in declare(COMMON) if isinstance(action, DeclareLaunchArgument)}
    assert all(action.description for action in declared.values())
    assert declared.keys() == COMMON.keys()
    assert list(declared["log_level"].choices) == ["debug", "info", "warn", "error", "fatal"]
    assert declared["task"].choices is None


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(RuntimeError, match=r"log_level.*loud"):
        arguments(log_level="loud")


LAUNCH_FILE = """
from launch import LaunchDescription
from vlmrl_ros.bridge.arguments import declare

def generate_launch_description():
    return LaunchDescription(declare({name: ("0", "how many") for name in ("learner", "max_steps", "seed")}))
"""
AROUND_IT = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription

def generate_launch_description():
    return LaunchDescription([DeclareLaunchArgument("mine", default_value="1"), IncludeLaunchDescription("{}")])
"""


@pytest.mark.parametrize(
    ("around", "given", "code"),
    [
        (False, ["max_step:=3"], 1),
        (False, ["max_steps:=3", "seed:=a b", "sigterm_timeout:=9"], 0),
        (True, ["max_steps:=3", "mine:=2"], 0),
    ],
)
def test_an_argument_that_the_launch_file_does_not_have_is_refused_but_not_one_of_a_file_around_it(
    tmp_path, around, given, code
):
    (tmp_path / "it.launch.py").write_text(LAUNCH_FILE)
    (tmp_path / "around.launch.py").write_text(AROUND_IT.format(tmp_path / "it.launch.py"))
    command = ["ros2", "launch", f"{'around' if around else 'it'}.launch.py", *given]
    env = {**os.environ, "ROS_LOG_DIR": str(tmp_path / "log")}
    done = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert ("unknown launch argument 'max_step'; valid: max_steps, learner, seed" in said) is (code == 1), said
