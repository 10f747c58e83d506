"""The arm at run time: Cartesian velocity control of its tip over the compiled model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.arm import DAMPING_RATIO_S, FINGER_STROKE_M, HOME_RAD, JOINTS
from vlmrl_ros.sim.engine import PHYSICS_DT_S, mujoco
from vlmrl_ros.sim.joints import JointReader
from vlmrl_ros.sim.kinematics import Kinematics

Array = npt.NDArray[np.float64]

LEASH_M = 0.02
"""The desired tip stays within this distance of the real one on each axis, m; it bounds the contact force."""
TICKS = 5
"""Inverse-kinematics solutions in a control step."""
OPENING_SPEED_M_S = 0.2
"""Speed of the hand's opening at gripper action 1, m/s."""

JOINT_SPEED_RAD_S = 1.5
"""Greatest commanded speed of each joint, rad/s."""
JOINT_LEASH_RAD = 0.15
"""The wanted angle of a joint stays within this distance of the real one, rad; it bounds the torque."""

_WORKSPACE_LOW = np.array([0.30, -0.35, 0.002])
_WORKSPACE_HIGH = np.array([0.72, 0.35, 0.55])
_START_ITERATIONS = 30


class Robot:
    """Steps the physics. The arm's joints come first in the model; ``arm/tip`` is the site that is driven."""

    def __init__(self, model: mujoco.MjModel, rate_hz: float) -> None:
        """Take a compiled cell.

        Args:
            model: has the arm of :func:`~vlmrl_ros.sim.arm.build_arm` attached as ``arm``.
            rate_hz: control rate; the nearest rate that holds a whole number of physics steps is used.
        """
        self.model = model
        self.data = mujoco.MjData(model)
        self._physics_steps = round(1.0 / (rate_hz * TICKS * PHYSICS_DT_S))
        self.tick_s = self._physics_steps * PHYSICS_DT_S
        self.control_dt_s = TICKS * self.tick_s
        self._reach = JOINT_SPEED_RAD_S * self.tick_s
        self._lead = DAMPING_RATIO_S / self.tick_s
        self._tip_site = model.site("arm/tip").id
        self._arm = len(JOINTS)
        self._range = model.jnt_range[: self._arm].T.copy()
        self._kinematics = Kinematics(model, self._tip_site, np.array(HOME_RAD))
        self._reader = JointReader(model)
        sensor = model.sensor("arm/wrist_force")
        self._force_at = slice(int(sensor.adr[0]), int(sensor.adr[0]) + 3)
        self._wrist_site = model.site("arm/wrist").id
        hand = model.body("arm/hand").id
        self._hand_weight = -model.body_subtreemass[hand] * model.opt.gravity
        self._desired = np.zeros(3)
        self._joints = np.zeros(self._arm)
        self.force = np.zeros(3)
        self.velocity = np.zeros(3)

    @property
    def tip(self) -> Array:
        """Real position of the tip, float64 (3,), m, in the base frame."""
        return np.array(self.data.site_xpos[self._tip_site])

    @property
    def lag(self) -> Array:
        """Desired minus real tip position, float64 (3,), m, in the base frame."""
        return self._desired - self.tip

    @property
    def wanted_joints(self) -> Array:
        """Where the arm's joints are sent, float64 (7,), rad."""
        return np.array(self._joints)

    @property
    def opening(self) -> float:
        """Distance between the finger pads, m."""
        return float(self.data.qpos[self._arm] + self.data.qpos[self._arm + 1])

    @property
    def force_n(self) -> float:
        """Size of the force of the world on the hand over the last control step, N."""
        return float(np.linalg.norm(self.force))

    def joints(self) -> dict[str, float]:
        """Positions of the arm's joints by name, rad; the fingers' in m."""
        return self._reader.read(self.data)

    def joint_velocities(self) -> dict[str, float]:
        """Velocities of the same joints, rad/s; the fingers' in m/s."""
        return self._reader.velocities(self.data)

    def clear(self) -> None:
        """Forget everything of the episode before."""
        mujoco.mj_resetData(self.model, self.data)

    def place(self, tip: Array, opening_m: float | None = None) -> None:
        """Put the tip at a position at rest, the fingers at an opening where they are driven."""
        self.pose(self._kinematics.solve(np.array(HOME_RAD), tip, _START_ITERATIONS), opening_m)

    def pose(self, joints_rad: Array, opening_m: float | None = None) -> None:
        """Put the joints, float64 (7,), rad, in a posture at rest, the fingers at an opening where they are driven."""
        self._joints = joints_rad
        self.data.qpos[: self._arm] = joints_rad
        self.data.ctrl[: self._arm] = joints_rad
        if opening_m is not None:
            self.data.qpos[self._arm : self._arm + 2] = opening_m / 2
            self.data.ctrl[self._arm : self._arm + 2] = opening_m / 2
        mujoco.mj_forward(self.model, self.data)
        self._desired = self.tip
        self.force = self.measured_force()
        self.velocity = np.zeros(3)

    def move(self, velocity: Array, gripper: float | None = None) -> None:
        """Drive for one control step.

        Args:
            velocity: float64 (3,), of the desired tip, m/s, in the base frame.
            gripper: opening rate in [-1, 1], negative closes; None where the fingers are fixed.
        """
        before = self.tip
        force = np.zeros(3)
        for _ in range(TICKS):
            if gripper is not None:
                self.grip(self.data.ctrl[self._arm] + gripper * OPENING_SPEED_M_S * self.tick_s / 2)
            self.tick_tip(velocity)
            force += self.measured_force()
        mujoco.mj_forward(self.model, self.data)
        self.force = force / TICKS
        self.velocity = (self.tip - before) / self.control_dt_s

    def tick_tip(self, velocity: Array) -> None:
        """Drive the tip for one tick; it stays on its leash and in the workspace.

        Args:
            velocity: float64 (3,), of the desired tip, m/s, in the base frame.
        """
        real = self.data.site_xpos[self._tip_site]
        desired = np.minimum(np.maximum(self._desired + velocity * self.tick_s, _WORKSPACE_LOW), _WORKSPACE_HIGH)
        self._desired = np.minimum(np.maximum(desired, real - LEASH_M), real + LEASH_M)
        joints = self._kinematics.solve(self._joints, self._desired)
        self._follow(np.minimum(np.maximum(joints, self._joints - self._reach), self._joints + self._reach))

    def tick_joints(self, target_rad: Array) -> None:
        """Drive the joints for one tick towards a target, float64 (7,), rad.

        They turn no faster than :data:`JOINT_SPEED_RAD_S`; a blocked joint is left alone beyond its leash, as a robot
        that has come to the limit of its torque.
        """
        target = np.clip(target_rad, self._joints - self._reach, self._joints + self._reach)
        real = self.data.qpos[: self._arm]
        target = np.clip(target, real - JOINT_LEASH_RAD, real + JOINT_LEASH_RAD)
        target = np.clip(target, self._range[0], self._range[1])
        self._desired = self._kinematics.position(target)
        self._follow(target)

    def grip(self, finger_m: float) -> None:
        """Want the fingers at a position each, m from the middle; their own range limits it."""
        self.data.ctrl[self._arm : self._arm + 2] = min(max(finger_m, -0.01), FINGER_STROKE_M)

    def _follow(self, joints: Array) -> None:
        """Send the joints to where they are wanted next, ahead of the lag of their gains, and step the physics."""
        before, self._joints = self._joints, joints
        self.data.ctrl[: self._arm] = joints + self._lead * (joints - before)
        mujoco.mj_step(self.model, self.data, self._physics_steps)

    def measured_force(self) -> Array:
        """Force of the world on the hand, float64 (3,), N, in the base frame; the hand's weight is tared."""
        carried = self.data.site_xmat[self._wrist_site].reshape(3, 3) @ self.data.sensordata[self._force_at]
        return np.asarray(self._hand_weight - carried)
