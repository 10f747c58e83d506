"""Differential inverse kinematics: damped least squares with a pull to the home posture in the null space.

Source: Nakamura and Hanafusa (1986), Wampler (1986); the null-space term after Liegeois (1977).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.engine import mujoco

Array = npt.NDArray[np.float64]

_DAMPING = 1e-4
_HOME_GAIN = 0.05


class Kinematics:
    """Keeps its own state, so that solving never disturbs the simulation."""

    def __init__(self, model: mujoco.MjModel, site: int, home_rad: Array, joints: Sequence[str] = ()) -> None:
        """Prepare for some hinges of a model.

        Args:
            model: the compiled model.
            site: id of the site to place.
            home_rad: float64 (J,), the posture to prefer, rad. Its site orientation is the one to keep.
            joints: names of the joints; by default the first ones of the model, which must be hinges.
        """
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = site
        self._home = home_rad
        ids = [model.joint(name).id for name in joints]
        self._positions = model.jnt_qposadr[ids] if ids else slice(len(home_rad))
        self._dofs = model.jnt_dofadr[ids] if ids else slice(len(home_rad))
        self._jacobian = np.zeros((6, model.nv))
        self._error = np.zeros(6)
        self._damping = _DAMPING * np.eye(6)
        self._rotation = self.pose(home_rad)[1]

    def position(self, joints_rad: Array) -> Array:
        """Where the site is, float64 (3,), m in the base frame, for float64 (J,) joint angles."""
        self._forward(joints_rad)
        return np.array(self._data.site_xpos[self._site])

    def pose(self, joints_rad: Array) -> tuple[Array, Array]:
        """Position, float64 (3,), m, and rotation matrix, float64 (3, 3), of the site in the base frame."""
        self._forward(joints_rad)
        rotation = self._data.site_xmat[self._site].reshape(3, 3)
        return np.array(self._data.site_xpos[self._site]), rotation.copy()

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
            jacobian, error = self.linearise(joints, target, self._rotation)
            joints = joints + self.descend(jacobian, error, self._home - joints)
        return joints

    def linearise(self, joints_rad: Array, target: Array, rotation: Array) -> tuple[Array, Array]:
        """The task at some joint angles.

        Args:
            joints_rad: float64 (J,), rad.
            target: float64 (3,), wanted position, m, in the base frame.
            rotation: float64 (3, 3), wanted orientation.

        Returns:
            Jacobian, float64 (6, J), and error that is left, float64 (6,), m and rad.
        """
        self._forward(joints_rad)
        error = self._error
        error[:3] = target - self._data.site_xpos[self._site]
        turn = rotation @ self._data.site_xmat[self._site].reshape(3, 3).T
        error[3] = 0.5 * (turn[2, 1] - turn[1, 2])
        error[4] = 0.5 * (turn[0, 2] - turn[2, 0])
        error[5] = 0.5 * (turn[1, 0] - turn[0, 1])
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)
        return self._jacobian[:, self._dofs], error

    def descend(self, jacobian: Array, error: Array, homeward: Array) -> Array:
        """One damped Newton step, float64 (J,), rad.

        Args:
            jacobian: float64 (6, J).
            error: float64 (6,).
            homeward: float64 (J,), from the present posture to the preferred one, rad.
        """
        pull = _HOME_GAIN * homeward
        weights = np.linalg.solve(jacobian @ jacobian.T + self._damping, error - jacobian @ pull)
        return np.asarray(jacobian.T @ weights + pull)

    def _forward(self, joints: Array) -> None:
        self._data.qpos[self._positions] = joints
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
