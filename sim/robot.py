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
        self.control_dt_s = self._physics_steps * TICKS * PHYSICS_DT_S
        self._lead = DAMPING_RATIO_S / (self._physics_steps * PHYSICS_DT_S)
        self._tip_site = model.site("arm/tip").id
        self._arm = len(JOINTS)
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

    def clear(self) -> None:
        """Forget everything of the episode before."""
        mujoco.mj_resetData(self.model, self.data)

    def place(self, tip: Array, opening_m: float | None = None) -> None:
        """Put the tip at a position at rest, the fingers at an opening where they are driven."""
        self._joints = self._kinematics.solve(np.array(HOME_RAD), tip, _START_ITERATIONS)
        self.data.qpos[: self._arm] = self._joints
        self.data.ctrl[: self._arm] = self._joints
        if opening_m is not None:
            self.data.qpos[self._arm : self._arm + 2] = opening_m / 2
            self.data.ctrl[self._arm : self._arm + 2] = opening_m / 2
        mujoco.mj_forward(self.model, self.data)
        self._desired = self.tip
        self.force = self._measured_force()
        self.velocity = np.zeros(3)

    def move(self, velocity: Array, gripper: float | None = None) -> None:
        """Drive for one control step.

        Args:
            velocity: float64 (3,), of the desired tip, m/s, in the base frame.
            gripper: opening rate in [-1, 1], negative closes; None where the fingers are fixed.
        """
        before = self.tip
        tick_s = self.control_dt_s / TICKS
        force = np.zeros(3)
        for _ in range(TICKS):
            self._advance(velocity * tick_s)
            if gripper is not None:
                self._squeeze(gripper * OPENING_SPEED_M_S * tick_s)
            mujoco.mj_step(self.model, self.data, self._physics_steps)
            force += self._measured_force()
        mujoco.mj_forward(self.model, self.data)
        self.force = force / TICKS
        self.velocity = (self.tip - before) / self.control_dt_s

    def _advance(self, change: Array) -> None:
        """Move the desired tip, keep it on its leash and in the workspace, and send the joints after it."""
        real = self.data.site_xpos[self._tip_site]
        desired = np.minimum(np.maximum(self._desired + change, _WORKSPACE_LOW), _WORKSPACE_HIGH)
        self._desired = np.minimum(np.maximum(desired, real - LEASH_M), real + LEASH_M)
        before, self._joints = self._joints, self._kinematics.solve(self._joints, self._desired)
        self.data.ctrl[: self._arm] = self._joints + self._lead * (self._joints - before)

    def _squeeze(self, change_m: float) -> None:
        """Change the wanted opening; the fingers' own range limits it."""
        wanted = self.data.ctrl[self._arm] + change_m / 2
        self.data.ctrl[self._arm : self._arm + 2] = min(max(wanted, -0.01), FINGER_STROKE_M)

    def _measured_force(self) -> Array:
        """Force of the world on the hand, float64 (3,), N, in the base frame; the hand's weight is tared."""
        carried = self.data.site_xmat[self._wrist_site].reshape(3, 3) @ self.data.sensordata[self._force_at]
        return np.asarray(self._hand_weight - carried)
