"""What runs inside a robot: the controllers that ros2_control and MoveIt Servo offer, over the simulated arm.

A controller drives the robot for one tick. Those that say how fast to go stop when they are not told again in time;
those that say where to go hold what they have reached. A new command takes the place of the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vlmrl_ros.sim.robot import Array, Robot


class Controller(Protocol):
    """A command under way."""

    def drive(self, robot: Robot, now_s: float) -> None:
        """Drive for one tick that begins at ``now_s``, s of simulated time."""


@dataclass(frozen=True)
class Hold:
    """Stand still."""

    def drive(self, robot: Robot, now_s: float) -> None:
        robot.tick_joints(robot.wanted_joints)


@dataclass(frozen=True)
class Twist:
    """Move the tip, orientation kept.

    Attributes:
        linear: float64 (3,), m/s, in the base frame.
        until_s: stop then, s of simulated time.
    """

    linear: Array
    until_s: float

    def drive(self, robot: Robot, now_s: float) -> None:
        robot.tick_tip(self.linear if now_s < self.until_s else np.zeros(3))


@dataclass(frozen=True)
class Velocity:
    """Turn the joints.

    Attributes:
        speeds: float64 (7,), rad/s.
        until_s: stop then, s of simulated time.
    """

    speeds: Array
    until_s: float

    def drive(self, robot: Robot, now_s: float) -> None:
        moving = now_s < self.until_s
        robot.tick_joints(robot.wanted_joints + (self.speeds * robot.tick_s if moving else 0.0))


@dataclass(frozen=True)
class Position:
    """Go to joint angles and hold them; ``target``: float64 (7,), rad."""

    target: Array

    def drive(self, robot: Robot, now_s: float) -> None:
        robot.tick_joints(self.target)


@dataclass(frozen=True)
class Trajectory:
    """Follow joint angles over time, straight between the points, and hold the last.

    Attributes:
        times_s: float64 (P,), s of simulated time, rising; the first is when the motion begins.
        points: float64 (P, 7), rad; the first is where the joints are sent when the motion begins.
    """

    times_s: Array
    points: Array

    def drive(self, robot: Robot, now_s: float) -> None:
        at_s = now_s + robot.tick_s
        robot.tick_joints(np.array([np.interp(at_s, self.times_s, column) for column in self.points.T]))
