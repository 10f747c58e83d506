"""Joint positions and velocities by name, for ``joint_states``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.sim.engine import mujoco

_ONE_NUMBER = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


class JointReader:
    """Reads the hinges and slides of one model."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Look up the named joints; our own arm's lose their prefix."""
        chosen = [i for i in range(model.njnt) if model.jnt_type[i] in _ONE_NUMBER and model.joint(i).name]
        self._names = [model.joint(i).name.removeprefix("arm/") for i in chosen]
        self._freedoms = np.array([model.jnt_dofadr[i] for i in chosen], np.intp)
        self._addresses = np.array([model.jnt_qposadr[i] for i in chosen], np.intp)

    def read(self, data: mujoco.MjData) -> dict[str, float]:
        """Positions, rad for hinges and m for slides."""
        return dict(zip(self._names, data.qpos[self._addresses].tolist(), strict=True))

    def velocities(self, data: mujoco.MjData) -> dict[str, float]:
        """Velocities, rad/s for hinges and m/s for slides."""
        return dict(zip(self._names, data.qvel[self._freedoms].tolist(), strict=True))
