"""A robot and nothing else: it starts by itself, obeys each kind of command, and stops when commands stop."""

from __future__ import annotations

import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from fakes.observer import Observer
from fakes.processes import Stage
from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from sensor_msgs.msg import CompressedImage, JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vlmrl_ros.bridge import messages, qos

pytestmark = pytest.mark.ros

JOINTS = [f"joint_{i}" for i in range(1, 8)]
LATENCY_MS = 30.0
TIMEOUT_S = 0.25
STILL_M, STILL_RAD = 1e-4, 1e-3


@pytest.fixture(scope="module")
def arm(stage: Stage, observer: Observer) -> SimpleNamespace:
    wire = {"latency_ms": LATENCY_MS, "jitter_ms": 5.0, "drop_rate": 0.01}
    node = stage.node("sim_arm", {**wire, "cameras": ["front"], "compressed": True, "peg_insert.hole_range_x_mm": 20.0})
    made = SimpleNamespace(node=node, joints=[], poses=[], delays_s=[])

    def on_joints(message: JointState) -> None:
        made.joints.append(message)
        made.delays_s.append(time.time() - messages.stamp_of(message) * 1e-9)

    observer.node.create_subscription(JointState, "joint_states", on_joints, qos.ROBOT)
    made.poses = observer.listen(PoseStamped, "ee_pose", qos.ROBOT)
    made.wrenches = observer.listen(WrenchStamped, "wrench", qos.ROBOT)
    made.truths = observer.listen(PoseStamped, "workpiece/pose", qos.ROBOT)
    made.estimates = observer.listen(PoseStamped, "workpiece/estimate", qos.ROBOT)
    made.frames = observer.listen(CompressedImage, "front/image_raw/compressed", qos.ROBOT)
    observer.until(lambda: made.joints and made.poses and made.truths and made.estimates, "the arm's sensors")
    return made


def angles(arm: SimpleNamespace) -> np.ndarray:
    return np.array(arm.joints[-1].position)


def tip(arm: SimpleNamespace) -> np.ndarray:
    return position(arm.poses[-1])


def position(message: PoseStamped) -> np.ndarray:
    at = message.pose.position
    return np.array([at.x, at.y, at.z])


def until_it_rests(observer: Observer, arm: SimpleNamespace) -> None:
    def rests() -> bool:
        newest = [position(message) for message in arm.poses[-20:]]
        return len(newest) == 20 and np.ptp(newest, axis=0).max() < STILL_M

    begin = len(arm.poses)
    observer.until(lambda: len(arm.poses) > begin + 20 and rests(), "an arm at rest")


def send(observer: Observer, publisher, message, duration_s: float) -> None:
    """Repeat a command at 20 Hz."""
    for _ in range(round(duration_s * 20)):
        publisher.publish(message)
        observer.watch(0.05)


def twist(*linear: float, angular: float = 0.0) -> TwistStamped:
    message = TwistStamped()
    message.header.frame_id = "base_link"
    message.twist.linear.x, message.twist.linear.y, message.twist.linear.z = linear
    message.twist.angular.z = angular
    return message


def test_it_says_what_a_driver_says_at_a_steady_rate(observer, arm):
    begin = len(arm.joints)
    observer.watch(2.0)
    heard = arm.joints[begin:]
    assert 140 < len(heard) < 215
    assert all(list(m.name) == JOINTS and len(m.velocity) == 7 for m in heard)
    stamps = [messages.stamp_of(m) for m in heard]
    assert all(b > a for a, b in pairwise(stamps))
    assert len(arm.frames[-1].data) > 500
    assert bytes(arm.frames[-1].data).startswith(b"\xff\xd8"), "a JPEG"
    assert observer.state("sim_arm") == "active"


def test_messages_are_late_and_some_are_lost(observer, arm):
    median_ms = 1000 * float(np.median(arm.delays_s))
    assert LATENCY_MS - 8 < median_ms < LATENCY_MS + 25
    observer.until(lambda: int(observer.diagnosis("/sim_arm")[1].get("messages lost", 0)) > 0, "a lost message")


def test_it_follows_a_twist_and_stops_when_twists_stop(observer, arm):
    publisher = observer.publisher(TwistStamped, "servo_node/delta_twist_cmds", qos.COMMAND)
    start = tip(arm)
    send(observer, publisher, twist(0.0, 0.05, 0.02), 1.0)
    observer.until(lambda: tip(arm)[1] - start[1] > 0.03, "a movement")
    until_it_rests(observer, arm)
    moved = tip(arm) - start
    assert abs(moved[0]) < 0.003
    assert 0.04 < moved[1] < 0.05 * (1.0 + TIMEOUT_S + 0.3)
    assert moved[2] == pytest.approx(0.4 * moved[1], abs=0.003)


def test_a_twist_that_it_cannot_follow_is_refused_and_counted(observer, arm):
    publisher = observer.publisher(TwistStamped, "servo_node/delta_twist_cmds", qos.COMMAND)
    start = tip(arm)
    counted = "refused servo_node/delta_twist_cmds"
    for number, bad in enumerate((twist(0.1, 0.0, 0.0, angular=0.5), twist(float("nan"), 0.0, 0.0)), start=1):
        publisher.publish(bad)
        observer.until(lambda n=number: observer.diagnosis("/sim_arm")[1].get(counted) == str(n), "a refusal")
    np.testing.assert_allclose(tip(arm), start, atol=STILL_M)


def test_it_turns_its_joints_at_the_commanded_speed_and_stops_when_commands_stop(observer, arm):
    publisher = observer.publisher(Float64MultiArray, "forward_velocity_controller/commands", qos.COMMAND)
    start = angles(arm)
    send(observer, publisher, Float64MultiArray(data=[-0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3]), 0.6)
    observer.until(lambda: abs(arm.joints[-1].velocity[0]) > 0.1 or angles(arm)[0] < start[0] - 0.1, "a movement")
    until_it_rests(observer, arm)
    turned = angles(arm) - start
    assert -0.2 * (0.6 + TIMEOUT_S + 0.3) < turned[0] < -0.1
    np.testing.assert_allclose(turned[1:6], 0.0, atol=0.01)


def test_it_goes_to_a_joint_position_and_holds_it(observer, arm):
    publisher = observer.publisher(Float64MultiArray, "forward_position_controller/commands", qos.COMMAND)
    target = angles(arm) + np.array([0.2, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0])
    publisher.publish(Float64MultiArray(data=target.tolist()))
    observer.until(lambda: np.abs(angles(arm) - target).max() < 3e-3, "the joint position")
    observer.watch(2 * TIMEOUT_S)
    np.testing.assert_allclose(angles(arm), target, atol=3e-3)


def test_it_follows_a_trajectory_whose_joints_come_in_another_order(observer, arm):
    topic = "joint_trajectory_controller/joint_trajectory"
    publisher = observer.publisher(JointTrajectory, topic, qos.COMMAND)
    target = angles(arm) + np.linspace(-0.1, 0.1, 7)
    point = JointTrajectoryPoint(positions=target[::-1].tolist(), time_from_start=Duration(nanosec=400_000_000))
    publisher.publish(JointTrajectory(joint_names=JOINTS[::-1], points=[point]))
    observer.until(lambda: np.abs(angles(arm) - target).max() < 3e-3, "the end of the trajectory")
    until_it_rests(observer, arm)
    np.testing.assert_allclose(angles(arm), target, atol=3e-3)


def test_a_helper_puts_the_workpiece_somewhere_else(observer, arm):
    before = position(arm.truths[-1])
    answer = observer.call(Trigger, "shuffle", Trigger.Request())
    assert answer.success, answer.message
    observer.until(lambda: np.linalg.norm(position(arm.truths[-1]) - before) > 1e-3, "another place")
    observer.watch(0.2)
    error = position(arm.estimates[-1]) - position(arm.truths[-1])
    assert 0.0 < np.abs(error).max() <= 0.002
    assert abs(position(arm.truths[-1])[0] - 0.52) <= 0.0201, "the option of the cell holds"
    assert observer.diagnosis("/sim_arm")[0] == "active"
