"""Messages that no robot and no controller of one should send: the spoilers of the types that arms speak."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped, Vector3, WrenchStamped
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vlmrl_ros.bridge.robot_messages import MAX_POINTS

Spoil = Callable[[Any, np.random.Generator], None]

NOT_FINITE = (float("nan"), float("inf"), float("-inf"))
FRAMES = ("map", "x" * 100_000, "../base_link", "base_link\0")
BOMB = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + b"\x08\x02\0\0\0"
"""A PNG that says it has 2^62 pixels."""


def _bad(rng: np.random.Generator) -> float:
    return float(rng.choice(NOT_FINITE))


def _set_one(vector: Any, rng: np.random.Generator) -> None:
    setattr(vector, "xyz"[rng.integers(3)], _bad(rng))


def _frame(m: Any, rng: np.random.Generator) -> None:
    m.header.frame_id = FRAMES[rng.integers(len(FRAMES))]


def _pose_position(m: PoseStamped, rng: np.random.Generator) -> None:
    _set_one(m.pose.position, rng)


def _pose_turn(m: PoseStamped, rng: np.random.Generator) -> None:
    turn = m.pose.orientation
    turn.x = turn.y = turn.z = turn.w = float(rng.choice([0.0, *NOT_FINITE]))


def _wrench(m: WrenchStamped, rng: np.random.Generator) -> None:
    _set_one(m.wrench.force if rng.integers(2) else m.wrench.torque, rng)


def _twist(m: TwistStamped, rng: np.random.Generator) -> None:
    _set_one(m.twist.linear, rng)


def _twist_turns(m: TwistStamped, rng: np.random.Generator) -> None:
    m.twist.angular = Vector3(x=float(rng.choice([1.0, 1e300, *NOT_FINITE])))


def _numbers(m: Float64MultiArray, rng: np.random.Generator) -> None:
    m.data[int(rng.integers(len(m.data)))] = _bad(rng)


def _number_count(m: Float64MultiArray, rng: np.random.Generator) -> None:
    m.data = array.array("d", bytes(8 * int(rng.choice([0, 2, len(m.data) + 1, 100_000]))))


def _jpeg_bytes(m: CompressedImage, rng: np.random.Generator) -> None:
    raw = bytes(m.data)
    options = (b"", BOMB, rng.bytes(100), raw[: rng.integers(2)], b"\xff\xd8" * 10_000, b"\xff\xd8\xff\xc0\0\x11\x08")
    m.data = array.array("B", options[rng.integers(len(options))])


def _joint_names(m: JointTrajectory, rng: np.random.Generator) -> None:
    m.joint_names = [*list(m.joint_names)[: rng.integers(len(m.joint_names))], "x" * int(rng.integers(1, 10_000))]


def _point_size(m: JointTrajectory, rng: np.random.Generator) -> None:
    m.points[-1].positions = array.array("d", bytes(8 * int(rng.choice([0, 1, 1000]))))


def _point_value(m: JointTrajectory, rng: np.random.Generator) -> None:
    m.points[-1].positions[0] = _bad(rng)


def _point_time(m: JointTrajectory, rng: np.random.Generator) -> None:
    m.points[-1].time_from_start.sec = -int(rng.integers(1, 2**31))


def _point_count(m: JointTrajectory, _: np.random.Generator) -> None:
    m.points = [JointTrajectoryPoint()] * (MAX_POINTS + 1)


ROBOT_SPOILERS: dict[type[Any], list[Spoil]] = {
    PoseStamped: [_frame, _pose_position, _pose_turn],
    WrenchStamped: [_wrench],
    TwistStamped: [_frame, _twist, _twist_turns],
    Float64MultiArray: [_numbers, _number_count],
    CompressedImage: [_jpeg_bytes],
    JointTrajectory: [_joint_names, _point_size, _point_value, _point_time, _point_count],
}
