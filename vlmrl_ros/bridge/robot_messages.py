"""The messages that robots speak, to numpy and back: joints, poses and forces out, commands in."""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from sensor_msgs.msg import CompressedImage, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from vlmrl_ros.bridge.messages import to_time
from vlmrl_ros.core.errors import NonFiniteError, ShapeError

Array = npt.NDArray[np.float64]

BASE = "base_link"
MAX_POINTS = 10_000
"""Longest trajectory that is read; longer ones are refused before anything is allocated."""


def joint_state(stamp_ns: int, positions: Mapping[str, float], velocities: Mapping[str, float]) -> JointState:
    """Compose ``joint_states``: rad and rad/s (fingers m and m/s) by joint name."""
    message = JointState()
    message.header.stamp = to_time(stamp_ns)
    message.name = list(positions)
    message.position = array.array("d", positions.values())
    message.velocity = array.array("d", (velocities[name] for name in positions))
    return message


def pose_message(stamp_ns: int, position: Array, quaternion: Sequence[float] | Array) -> PoseStamped:
    """Compose a pose: float64 (3,), m, and (4,), w x y z, both in ``base_link``."""
    message = PoseStamped()
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = BASE
    at, turned = message.pose.position, message.pose.orientation
    at.x, at.y, at.z = (float(value) for value in position)
    turned.w, turned.x, turned.y, turned.z = (float(value) for value in quaternion)
    return message


def wrench_message(stamp_ns: int, force: Array) -> WrenchStamped:
    """Compose a wrench without torque; ``force``: float64 (3,), N, in ``base_link``."""
    message = WrenchStamped()
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = BASE
    linear = message.wrench.force
    linear.x, linear.y, linear.z = (float(value) for value in force)
    return message


def jpeg_message(stamp_ns: int, camera: str, data: bytes) -> CompressedImage:
    """Compose a compressed frame."""
    message = CompressedImage()
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = f"{camera}_optical_frame"
    message.format = "jpeg"
    message.data = array.array("B", data)
    return message


def read_linear_twist(message: TwistStamped) -> Array:
    """Read the velocity of a hand that keeps its orientation, float64 (3,), m/s, in ``base_link``.

    Raises:
        ShapeError: another frame, or the hand shall turn.
        NonFiniteError: a component is NaN or infinite.
    """
    if message.header.frame_id not in (BASE, ""):
        raise ShapeError(f"twist is in frame '{message.header.frame_id}'; valid: {BASE}")
    linear, angular = message.twist.linear, message.twist.angular
    if any((angular.x, angular.y, angular.z)):
        raise ShapeError("twist turns the hand, whose orientation is kept; valid: angular velocity of zero")
    return _finite(np.array([linear.x, linear.y, linear.z]), "twist")


def read_numbers(message: Float64MultiArray, size: int, what: str) -> Array:
    """Read as many numbers as there are joints, float64 (size,).

    Raises:
        ShapeError: another number of them.
        NonFiniteError: one is NaN or infinite.
    """
    if len(message.data) != size:
        raise ShapeError(f"{what} has {len(message.data)} numbers; expected {size}")
    return _finite(np.array(message.data), what)


def read_trajectory(message: JointTrajectory, joints: Sequence[str]) -> tuple[Array, Array]:
    """Read a trajectory.

    Args:
        message: names the joints in any order.
        joints: the robot's, in order.

    Returns:
        times from now, float64 (P,), s, and positions, float64 (P, J), rad.

    Raises:
        ShapeError: other joints, too many points, a point of another size, or times that go back.
        NonFiniteError: a position is NaN or infinite.
    """
    names, points = list(message.joint_names), message.points
    if sorted(names) != sorted(joints):
        raise ShapeError(f"trajectory is for {', '.join(names) or 'no joints'}; valid: {', '.join(joints)}")
    if len(points) > MAX_POINTS or any(len(point.positions) != len(joints) for point in points):
        raise ShapeError(f"a trajectory needs {len(joints)} positions in each of {MAX_POINTS} points at most")
    times = np.array([p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in points])
    if (np.diff(times, prepend=0.0) < 0).any():
        raise ShapeError(f"the points of a trajectory come one after the other; got times {times} s")
    order = [names.index(joint) for joint in joints]
    positions = np.array([point.positions for point in points]).reshape(len(points), len(joints))
    return times, _finite(positions[:, order], "trajectory")


def _finite(values: Array, what: str) -> Array:
    if not np.isfinite(values).all():
        raise NonFiniteError(f"{what} is not finite: {values}")
    return values
