"""A robot in its cell that runs by itself: physics tick by tick, controllers inside, sensors outside.

It knows no episodes, rewards or observations; whoever drives it sees joints, tip, wrist force and the workpiece.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.streams import stream
from vlmrl_ros.sim.arm import FINGER_STROKE_M, HOME_RAD
from vlmrl_ros.sim.controllers import Controller, Hold, Position, Trajectory, Twist, Velocity
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import ArmTask

RATE_HZ = 20.0
"""Control rate of the cells that makes a tick of 10 ms."""
_FORCE_TICKS = 10
"""The wrist sensor's filter: mean over 100 ms."""
_MAX_TICKS_BEHIND = 25
"""Ticks to make up at once after a pause of the process; a longer one is left out."""


@dataclass(frozen=True)
class Reading:
    """What the robot's sensors say at one instant, all in SI units and in the base frame.

    Attributes:
        positions: by joint name, rad (fingers m).
        velocities: by joint name, rad/s (fingers m/s).
        tip: float64 (3,), m.
        quaternion: float64 (4,), w x y z, of the tip; its z points out of the hand.
        force: float64 (3,), N, of the world on the hand, without the hand's weight.
    """

    positions: dict[str, float]
    velocities: dict[str, float]
    tip: Array
    quaternion: Array
    force: Array


class ArmDriver:
    """Keeps simulated time at real time, however unsteadily it is called."""

    def __init__(self, task: ArmTask, seed: int, command_timeout_s: float) -> None:
        """Switch on: the arm stands at home, the workpiece somewhere.

        Args:
            task: the cell, made with ``rate_hz`` of :data:`RATE_HZ`. Only its robot and its workpiece are used.
            seed: placement n of the workpiece is drawn from (seed, n).
            command_timeout_s: a speed that is not commanded again for so long is dropped, s.
        """
        self._task = task
        self._seed = seed
        self._timeout_s = command_timeout_s
        self._robot = task.robot
        self._placements = 0
        self._ticks = 0
        self._begun_s: float | None = None
        self._controller: Controller = Hold()
        self._forces: deque[Array] = deque(maxlen=_FORCE_TICKS)
        self._site = self._robot.model.site("arm/tip").id
        self._robot.clear()
        self._place()
        self._robot.pose(np.array(HOME_RAD), 2 * FINGER_STROKE_M if self.has_fingers else None)
        self._forces.append(self._robot.measured_force())

    @property
    def has_fingers(self) -> bool:
        """The hand opens and closes."""
        return self._robot.model.nu > len(HOME_RAD)

    @property
    def now_s(self) -> float:
        """Simulated time, s."""
        return self._ticks * self._robot.tick_s

    # Commands.

    def twist(self, linear: Array) -> None:
        """Move the tip at float64 (3,), m/s, until the time-out."""
        self._controller = Twist(linear, self.now_s + self._timeout_s)

    def velocity(self, speeds: Array) -> None:
        """Turn the joints at float64 (7,), rad/s, until the time-out."""
        self._controller = Velocity(speeds, self.now_s + self._timeout_s)

    def position(self, target: Array) -> None:
        """Go to float64 (7,), rad, and hold."""
        self._controller = Position(target)

    def trajectory(self, times_s: Array, points: Array) -> None:
        """Pass through float64 (P, 7), rad, each at its time from now, float64 (P,), s; none: stop."""
        if not len(times_s):
            self._controller = Hold()
            return
        here = self._robot.wanted_joints
        times = self.now_s + np.concatenate(([0.0], times_s))
        self._controller = Trajectory(times, np.concatenate((here[None], points)))

    def grip(self, finger_m: float) -> None:
        """Send each finger to a distance from the middle, m."""
        self._robot.grip(finger_m)

    def shuffle(self) -> bool:
        """Put the workpiece somewhere else, as a helper in the lab does; False: the hand is in the way."""
        workpiece = self._task.workpiece()
        if self._robot.tip[2] - workpiece.position[2] < workpiece.clear_m:
            return False
        self._place()
        mujoco.mj_forward(self._robot.model, self._robot.data)
        return True

    # Time.

    def catch_up(self, steady_s: float) -> int:
        """Run up to ``steady_s`` on the steady clock.

        Returns:
            ticks that were left out because the process had stood still too long.
        """
        if self._begun_s is None:
            self._begun_s = steady_s - self.now_s
        behind = int((steady_s - self._begun_s) / self._robot.tick_s + 0.5) - self._ticks
        skipped = max(0, behind - _MAX_TICKS_BEHIND)
        self._begun_s += skipped * self._robot.tick_s
        for _ in range(behind - skipped):
            self.tick()
        return skipped

    def tick(self) -> None:
        """Run for one tick of 10 ms."""
        self._controller.drive(self._robot, self.now_s)
        self._ticks += 1
        mujoco.mj_forward(self._robot.model, self._robot.data)
        self._forces.append(self._robot.measured_force())

    def read(self) -> Reading:
        """What the sensors say now."""
        data = self._robot.data
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, data.site_xmat[self._site])
        return Reading(
            self._task.joints(),
            self._robot.joint_velocities(),
            self._robot.tip,
            quaternion,
            np.mean(self._forces, axis=0),
        )

    def _place(self) -> None:
        self._task.shuffle(stream(self._seed, "workpiece", self._placements))
        self._placements += 1
