"""The verbs of `ros2` against a real node in another process."""

# ruff: noqa: E501 (launch files and their messages stand here as they are)

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ros2lite.cli import main

ros = pytest.importorskip("ros2lite.ros")

pytestmark = pytest.mark.ros

TALKER = Path(__file__).with_name("talker.py")
Ros2 = Callable[..., Any]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, make_workspace: Any) -> Iterator[Any]:
    """A workspace whose package holds the talker, which runs."""
    workspace = make_workspace(tmp_path_factory.mktemp("talking"))
    script = workspace.prefix / "lib" / "fake_pkg" / "talker"
    script.write_text(f"#!{sys.executable}\n{TALKER.read_text()}")
    script.chmod(0o755)
    workspace.start("run", "fake_pkg", "talker")
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def discovered(talking: Any) -> Iterator[None]:
    """Commands of this process share one node, so that the talker is discovered once; the talker is another process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", talking.environment["ROS_DOMAIN_ID"])
        with ros.observer() as shared:
            shared.require_node("talker")
            yield


@pytest.fixture
def ros2(discovered: None, capsys: pytest.CaptureFixture[str]) -> Ros2:
    def run(*arguments: str, code: int = 0) -> str:
        found = main([*arguments, *(("--spin-time", "8") if arguments[0] != "interface" else ())])
        captured = capsys.readouterr()
        assert found == code, captured.out + captured.err
        return captured.out if code == 0 else captured.err

    return run


def test_nodes_are_listed_and_described(ros2: Ros2) -> None:
    assert ros2("node", "list") == "/talker\n"
    described = ros2("node", "info", "/talker")
    assert "  Publishers:\n    /chatter: std_msgs/msg/Header\n" in described
    assert "    /flip: std_srvs/srv/SetBool\n" in described


def test_a_node_that_is_not_there_is_looked_for_only_so_long(talking: Any) -> None:
    result = talking.ros2("node", "info", "nobody", "--spin-time", "0.2")
    assert result.code == 1
    assert result.error.startswith("ros2: error: node '/nobody' not found; known here: ")


def test_topics_are_listed_and_described(ros2: Ros2) -> None:
    assert "/chatter [std_msgs/msg/Header]" in ros2("topic", "list", "-t").splitlines()
    assert ros2("topic", "type", "chatter") == "std_msgs/msg/Header\n"
    assert ros2("topic", "info", "/chatter") == "Type: std_msgs/msg/Header\nPublisher count: 1\nSubscription count: 0\n"
    assert "Node name: talker" in ros2("topic", "info", "/chatter", "-v")


def test_a_message_is_shown_whole_or_in_part(ros2: Ros2) -> None:
    whole = ros2("topic", "echo", "/chatter", "--once")
    assert whole == "stamp:\n  sec: 0\n  nanosec: 0\nframe_id: base\n---\n"
    assert ros2("topic", "echo", "/chatter", "--once", "--field", "frame_id") == "base\n---\n"
    assert (
        ros2("topic", "echo", "/chatter", "--once", "--field", "stamp.sec", "--qos-reliability", "best_effort")
        == "0\n---\n"
    )
    assert "field 'no' not found at 'no'; there are: stamp, frame_id" in ros2(
        "topic", "echo", "/chatter", "--field", "no", code=1
    )


def test_a_message_is_shown_by_a_process_of_its_own(talking: Any) -> None:
    assert talking.ros2("topic", "echo", "/chatter", "--once", "--field", "frame_id").output == "base\n---\n"


def test_a_silent_topic_is_waited_for_only_so_long(talking: Any) -> None:
    result = talking.ros2(
        "topic", "echo", "/silent", "std_msgs/msg/String", "--once", "--timeout", "0.2", "--spin-time", "0.2"
    )
    assert (result.code, result.error) == (1, "ros2: error: no message on '/silent' within 0.2 s\n")


def test_the_rate_of_a_topic_is_measured(talking: Any) -> None:
    meter = talking.start("topic", "hz", "/chatter", "--spin-time", "8")
    meter.wait_for("average rate:")
    meter.process.send_signal(signal.SIGINT)
    assert meter.wait() == 130
    assert 25.0 < float(re.search(r"average rate: ([\d.]+)", meter.output)[1]) < 75.0


def test_a_published_message_arrives_with_its_stamp(talking: Any, ros2: Ros2) -> None:
    said = ros2("topic", "pub", "--once", "/in", "std_msgs/msg/Header", "{stamp: now, frame_id: hi}")
    assert "publishing #1: std_msgs.msg.Header(" in said
    talking.started[0].wait_for("heard hi True")
    assert "field 'frame' not found; Header has: stamp, frame_id" in ros2(
        "topic", "pub", "--once", "/in", "std_msgs/msg/Header", "{frame: hi}", code=1
    )


def test_parameters_are_read_and_changed(ros2: Ros2) -> None:
    assert {"  gain", "  names.list"} <= set(ros2("param", "list", "/talker").splitlines())
    assert ros2("param", "set", "talker", "gain", "1.75") == "Set parameter successful\n"
    assert ros2("param", "get", "talker", "gain") == "Double value is: 1.75\n"
    assert ros2("param", "get", "talker", "names.list", "--hide-type") == "['a', 'b']\n"
    dumped = yaml.safe_load(ros2("param", "dump", "talker"))["/talker"]["ros__parameters"]
    assert (dumped["gain"], dumped["names"]) == (1.75, {"list": ["a", "b"]})
    assert "Type: double\n  Description: a gain\n" in ros2("param", "describe", "talker", "gain")


def test_a_wrong_parameter_or_value_is_an_error(ros2: Ros2) -> None:
    assert "parameter 'gian' not found at '/talker'; known here: gain, " in ros2(
        "param", "get", "talker", "gian", code=1
    )
    assert "Setting parameter failed: Parameter gain out of range" in ros2(
        "param", "set", "talker", "gain", "5.0", code=1
    )


def test_services_are_listed_and_called(ros2: Ros2) -> None:
    assert "/flip [std_srvs/srv/SetBool]" in ros2("service", "list", "-t").splitlines()
    assert ros2("service", "type", "/flip") == "std_srvs/srv/SetBool\n"
    answer = ros2("service", "call", "/flip", "std_srvs/srv/SetBool", "{data: true}")
    assert "SetBool_Response(success=True, message='flipped')" in answer
    assert "field 'data' cannot be 3, expected boolean" in ros2(
        "service", "call", "/flip", "std_srvs/srv/SetBool", "{data: 3}", code=1
    )


def test_a_lifecycle_node_is_taken_through_its_states(ros2: Ros2) -> None:
    assert ros2("lifecycle", "nodes") == "/talker\n"
    assert ros2("lifecycle", "get", "talker") == "unconfigured [1]\n"
    wrong = ros2("lifecycle", "set", "talker", "activate", code=1)
    assert "transition 'activate' not found at '/talker' now; known here: configure [1], shutdown [5]" in wrong
    assert ros2("lifecycle", "set", "talker", "configure") == "Transitioning successful\n"
    assert ros2("lifecycle", "get") == "/talker: inactive [2]\n"
    assert "- activate [3]\n\tStart: inactive\n" in ros2("lifecycle", "list", "talker")


def test_the_fields_of_an_interface_are_shown(ros2: Ros2) -> None:
    assert ros2("interface", "show", "std_srvs/srv/SetBool") == "boolean data\n---\nboolean success\nstring message\n"
    assert "builtin_interfaces/Time stamp\n\tint32 sec\n" in ros2("interface", "show", "std_msgs/msg/Header")
    wrong = ros2("interface", "show", "std_msgs/msg/Heder", code=1)
    assert "type 'std_msgs/msg/Heder' not found; std_msgs has: Bool" in wrong


LIFECYCLE = """
    *((lambda node: [
        node,
        RegisterEventHandler(OnStateTransition(target_lifecycle_node=node, goal_state="inactive", handle_once=True, entities=[
            LogInfo(msg="T inactive"),
            EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=3))])),
        RegisterEventHandler(OnStateTransition(target_lifecycle_node=node, start_state="activating", goal_state="active",
            entities=[LogInfo(msg="T active"), Shutdown(reason="done")])),
        EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=1)),
    ])(LifecycleNode(package="fake_pkg", executable="talker", name="other", namespace="lab", output="screen"))),
"""


def test_a_launch_file_drives_a_lifecycle_node(talking: Any) -> None:
    result = talking.launch(LIFECYCLE)
    assert result.code == 0, result.output
    assert result.output.index("T inactive") < result.output.index("T active")
    assert "process has finished cleanly" in result.output


def test_a_lifecycle_node_may_start_by_itself(talking: Any) -> None:
    launch = talking.start(
        "launch",
        str(talking.launch_file("""
            LifecycleNode(package="fake_pkg", executable="talker", name="auto", namespace="", autostart=True),
            RegisterEventHandler(OnStateTransition(goal_state="active", entities=[LogInfo(msg="T active")])),
        """)),
    )  # fmt: skip
    launch.wait_for("T active")
    launch.process.send_signal(signal.SIGTERM)
    assert launch.wait() == 0


SILENT = """
    import rclpy
    from lifecycle_msgs.msg import State
    from lifecycle_msgs.srv import ChangeState, GetState

    state = ["unconfigured"]

    def change(request, response):
        state[0] = {1: "inactive", 3: "active"}[request.transition.id]
        raise LookupError("there will be no answer")

    def get(request, response):
        response.current_state = State(label=state[0])
        return response

    rclpy.init()
    node = rclpy.create_node("silent")
    node.create_service(ChangeState, "~/change_state", change)
    node.create_service(GetState, "~/get_state", get)
    while rclpy.ok():
        try:
            rclpy.spin_once(node, timeout_sec=0.1)
        except LookupError:
            pass
"""


def test_a_transition_whose_answer_and_event_are_lost_is_known_by_the_state(talking: Any) -> None:
    script = talking.executable("silent", SILENT)
    script.write_text(script.read_text().replace(" -IS", "", 1))  # with site-packages
    launch = talking.start(
        "launch",
        str(talking.launch_file("""
            LifecycleNode(package="fake_pkg", executable="silent", name="silent", namespace="", autostart=True),
            RegisterEventHandler(OnStateTransition(start_state="activating", goal_state="active", entities=[LogInfo(msg="T active")])),
        """)),
    )  # fmt: skip
    launch.wait_for("T active")
    launch.process.send_signal(signal.SIGTERM)
    assert launch.wait() == 0


def test_a_transition_of_a_node_that_has_died_is_given_up(talking: Any) -> None:
    result = talking.launch("""
        LifecycleNode(executable=sys.executable, arguments=["-c", "raise SystemExit(4)"], name="x", namespace="", autostart=True),
    """)
    assert result.code == 4
    assert "Abandoning transition 'TRANSITION_CONFIGURE' of '/x'" in result.output


def test_a_timer_may_follow_the_ros_clock(talking: Any) -> None:
    result = talking.launch('ROSTimer(period=0.1, actions=[LogInfo(msg="ros tick")]),')
    assert result.code == 0
    assert "ros tick" in result.output
