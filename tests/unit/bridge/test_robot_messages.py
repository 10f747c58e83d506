from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import TwistStamped
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vlmrl_ros.bridge import robot_messages as robot
from vlmrl_ros.core.errors import NonFiniteError, ShapeError

STAMP_NS = 12_345_678_901


def twist(linear=(0.1, 0.2, 0.3), angular=(0.0, 0.0, 0.0), frame="base_link") -> TwistStamped:
    message = TwistStamped()
    message.header.frame_id = frame
    for part, values in ((message.twist.linear, linear), (message.twist.angular, angular)):
        part.x, part.y, part.z = values
    return message


def trajectory(names: list[str], *points: tuple[float, list[float]]) -> JointTrajectory:
    rows = []
    for time_s, positions in points:
        when = Duration(sec=int(time_s), nanosec=round(time_s % 1 * 1e9))
        rows.append(JointTrajectoryPoint(positions=positions, time_from_start=when))
    return JointTrajectory(joint_names=names, points=rows)


def test_joint_states_carry_positions_and_velocities_in_one_order_over_the_wire():
    sent = robot.joint_state(STAMP_NS, {"b": 1.0, "a": 2.0}, {"a": 20.0, "b": 10.0})
    read = deserialize_message(serialize_message(sent), JointState)
    assert (list(read.name), list(read.position), list(read.velocity)) == (["b", "a"], [1.0, 2.0], [10.0, 20.0])
    assert (read.header.stamp.sec, read.header.stamp.nanosec) == (12, 345_678_901)


def test_poses_and_forces_are_in_the_base_frame():
    pose = robot.pose_message(STAMP_NS, np.array([1.0, 2.0, 3.0]), (0.5, 0.1, 0.2, 0.3))
    wrench = robot.wrench_message(STAMP_NS, np.array([4.0, 5.0, 6.0]))
    assert pose.header.frame_id == wrench.header.frame_id == "base_link"
    assert (pose.pose.position.y, pose.pose.orientation.w, pose.pose.orientation.z) == (2.0, 0.5, 0.3)
    assert (wrench.wrench.force.x, wrench.wrench.force.z) == (4.0, 6.0)


def test_a_twist_of_the_base_frame_is_read():
    np.testing.assert_array_equal(robot.read_linear_twist(twist()), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(robot.read_linear_twist(twist(frame="")), [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (twist(frame="tool0"), ShapeError, "frame 'tool0'; valid: base_link"),
        (twist(angular=(0.0, 0.1, 0.0)), ShapeError, "valid: angular velocity of zero"),
        (twist(linear=(0.0, float("nan"), 0.0)), NonFiniteError, "twist is not finite"),
    ],
)
def test_a_twist_that_cannot_be_followed_is_refused(bad, error, says):
    with pytest.raises(error, match=says):
        robot.read_linear_twist(bad)


def test_numbers_are_read_when_there_are_as_many_as_joints():
    np.testing.assert_array_equal(robot.read_numbers(Float64MultiArray(data=[1.0, 2.0]), 2, "it"), [1.0, 2.0])
    with pytest.raises(ShapeError, match="it has 2 numbers; expected 7"):
        robot.read_numbers(Float64MultiArray(data=[1.0, 2.0]), 7, "it")
    with pytest.raises(NonFiniteError):
        robot.read_numbers(Float64MultiArray(data=[1.0, float("inf")]), 2, "it")


def test_a_trajectory_is_put_into_the_order_of_the_joints():
    times, points = robot.read_trajectory(trajectory(["b", "a"], (0.5, [2.0, 1.0]), (1.25, [4.0, 3.0])), ["a", "b"])
    np.testing.assert_allclose(times, [0.5, 1.25])
    np.testing.assert_array_equal(points, [[1.0, 2.0], [3.0, 4.0]])


def test_a_trajectory_without_points_is_a_stop():
    times, points = robot.read_trajectory(trajectory(["a", "b"]), ["a", "b"])
    assert (times.shape, points.shape) == ((0,), (0, 2))


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (trajectory(["a"], (1.0, [0.0])), ShapeError, "is for a; valid: a, b"),
        (trajectory(["a", "a"], (1.0, [0.0, 0.0])), ShapeError, "valid: a, b"),
        (trajectory(["a", "b"], (1.0, [0.0])), ShapeError, "needs 2 positions"),
        (trajectory(["a", "b"], (1.0, [0.0, 0.0]), (0.5, [0.0, 0.0])), ShapeError, "one after the other"),
        (trajectory(["a", "b"], (-1.0, [0.0, 0.0])), ShapeError, "one after the other"),
        (trajectory(["a", "b"], (1.0, [0.0, float("nan")])), NonFiniteError, "trajectory is not finite"),
    ],
)
def test_a_trajectory_that_cannot_be_followed_is_refused(bad, error, says):
    with pytest.raises(error, match=says):
        robot.read_trajectory(bad, ["a", "b"])
