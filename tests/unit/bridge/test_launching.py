from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.processes import DEADLINE_S, free_domain
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.utilities import expand

from vlmrl_ros.bridge.arguments import COMMON, DATA, Arguments, declare
from vlmrl_ros.bridge.fast_dds import CHOICES, PROFILE, TRANSPORTS, UDP, profile, speaks_fast_dds
from vlmrl_ros.bridge.fleet import arm_names
from vlmrl_ros.bridge.launching import Managed, environment, managed
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


def test_a_single_arm_has_neither():
    assert managed(arguments(), [("sim_bridge", {})])[0]._remappings == []


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


@pytest.mark.parametrize(
    ("given", "travels", "named"),
    [
        ({}, UDP, "fast_dds.xml"),
        ({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, None, None),
        ({TRANSPORTS: "LARGE_DATA"}, "LARGE_DATA", "fast_dds.xml"),
        ({PROFILE: "mine.xml"}, None, "mine.xml"),
        ({"FASTRTPS_DEFAULT_PROFILES_FILE": "mine.xml"}, None, None),
    ],
)
def test_fast_dds_travels_by_udp_where_nobody_chose_and_looks_up_no_types(monkeypatch, given, travels, named):
    for name in ("RMW_IMPLEMENTATION", *CHOICES):
        monkeypatch.delenv(name, raising=False)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    context = LaunchContext()
    for action in environment():
        action.visit(context)
    file = context.environment.get(PROFILE)
    assert (context.environment.get(TRANSPORTS), file and Path(file).name) == (travels, named)
    assert named in (None, "mine.xml") or Path(file).is_file()


THREADS = """
import os, rclpy
rclpy.init()
node = rclpy.create_node("threads")
print(*(open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")), sep="\\n")
"""


@pytest.mark.skipif(not speaks_fast_dds(), reason="another middleware is chosen")
@pytest.mark.parametrize("name", ["fast_dds", "loopback_udp"])
def test_no_thread_of_a_process_looks_up_types_or_shares_memory(name):
    given = {PROFILE: profile(name), TRANSPORTS: UDP, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS], env={**os.environ, **given}, text=True, capture_output=True, check=True
    )
    threads = [name for name in done.stdout.split() if name.startswith("dds.")]
    assert any(name.startswith("dds.udp") for name in threads)
    assert not [name for name in threads if name.startswith(("dds.tls", "dds.shm"))]
    assert done.stderr == ""


IDLE = "import rclpy; rclpy.init(); node = rclpy.create_node('idle'); input()"
GROUP, FIRST_PORT, PORTS_OF_A_DOMAIN = "239.255.0.1", 7400, 250
"""Where participants say that they are there (RTPS 2.5, 9.6.2)."""
PAUSES, PAUSE_S, PAUSES_WITHIN_S = 10, 0.25, 15.0
"""The first announcements come 0.1 s after one another; between those that follow are three seconds by default."""


@pytest.mark.skipif(not speaks_fast_dds(), reason="another middleware is chosen")
@pytest.mark.parametrize("name", ["fast_dds", "loopback_udp"])
def test_a_process_says_again_and_again_that_it_is_there(name):
    """An answer to a newcomer is sent once; what was lost of it comes with the next announcement."""
    given = {PROFILE: profile(name), TRANSPORTS: UDP, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
    with free_domain() as domain, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("", FIRST_PORT + PORTS_OF_A_DOMAIN * domain))
        member = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1" if name == "loopback_udp" else "0.0.0.0")
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        ear.settimeout(DEADLINE_S)
        env = {**os.environ, **given, "ROS_DOMAIN_ID": str(domain)}
        process = subprocess.Popen([sys.executable, "-c", IDLE], env=env, stdin=subprocess.PIPE)
        try:
            ear.recv(2**16)
            began_s = last_s = time.monotonic()
            pauses = 0
            while pauses < PAUSES:
                ear.recv(2**16)
                pauses += time.monotonic() - last_s > PAUSE_S
                last_s = time.monotonic()
            assert last_s - began_s < PAUSES_WITHIN_S
        finally:
            process.kill()
            process.communicate()
