from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.arguments import arguments
from fakes.processes import DEADLINE_S, free_domain
from launch import LaunchContext
from launch.actions import SetEnvironmentVariable
from launch.utilities import expand

from vlmrl_ros.bridge.fast_dds import CHOICES, PROFILE, TRANSPORTS, UDP, profile, speaks_fast_dds
from vlmrl_ros.bridge.fleet import arm_names
from vlmrl_ros.bridge.launching import Managed, environment, managed


def expanded(text: object) -> str:
    return expand(LaunchContext(), text)


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
