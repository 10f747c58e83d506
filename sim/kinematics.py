"""Differential inverse kinematics: damped least squares with a pull to the home posture in the null space.

Source: Nakamura and Hanafusa (1986), Wampler (1986); the null-space term after Liegeois (1977).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.engine import mujoco

Array = npt.NDArray[np.float64]

_DAMPING = 1e-4
_HOME_GAIN = 0.05


class Kinematics:
    """Keeps its own state, so that solving never disturbs the simulation."""

    def __init__(self, model: mujoco.MjModel, site: int, home_rad: Array) -> None:
        """Prepare for the first ``len(home_rad)`` joints of the model, which must be hinges.

        Args:
            model: the compiled model.
            site: id of the site to place.
            home_rad: float64 (J,), the posture to prefer, rad. Its site orientation is the one to keep.
        """
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = site
        self._home = home_rad
        self._size = len(home_rad)
        self._jacobian = np.zeros((6, model.nv))
        self._error = np.zeros(6)
        self._damping = _DAMPING * np.eye(6)
        self._forward(home_rad)
        self._rotation = self._data.site_xmat[site].reshape(3, 3).copy()

    def position(self, joints_rad: Array) -> Array:
        """Where the site is, float64 (3,), m in the base frame, for float64 (J,) joint angles."""
        self._forward(joints_rad)
        return np.array(self._data.site_xpos[self._site])

    def solve(self, joints_rad: Array, target: Array, iterations: int = 1) -> Array:
        """Move joint angles towards a target position, orientation kept.

        Args:
            joints_rad: float64 (J,), where to start, rad.
            target: float64 (3,), wanted position of the site, m, in the base frame.
            iterations: Newton steps.

        Returns:
            float64 (J,), rad.
        """
        joints = joints_rad
        for _ in range(iterations):
            joints = joints + self._step(joints, target)
        return joints

    def _step(self, joints: Array, target: Array) -> Array:
        self._forward(joints)
        error = self._error
        error[:3] = target - self._data.site_xpos[self._site]
        turn = self._rotation @ self._data.site_xmat[self._site].reshape(3, 3).T
        error[3] = 0.5 * (turn[2, 1] - turn[1, 2])
        error[4] = 0.5 * (turn[0, 2] - turn[2, 0])
        error[5] = 0.5 * (turn[1, 0] - turn[0, 1])
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)
        jacobian = self._jacobian[:, : self._size]
        pull = _HOME_GAIN * (self._home - joints)
        weights = np.linalg.solve(jacobian @ jacobian.T + self._damping, error - jacobian @ pull)
        return np.asarray(jacobian.T @ weights + pull)

    def _forward(self, joints: Array) -> None:
        self._data.qpos[: self._size] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
