"""The model of a real arm: where its tip is, and how its joints bring the tip to a pose within their limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.arm_sections import JointsConfig, ModelConfig
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.safety import JointLimits
from vlmrl_ros.sim.arm import build_arm
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.kinematics import Kinematics

Array = npt.NDArray[np.float64]

OWN_ARM = "vlmrl_arm"
"""Stands for the arm of the simulation where a path of an MJCF is expected."""
_TIP = "vlmrl_tip"


class ArmModel:
    """Kinematics of the joints that a description names. The model's world is the arm's base frame."""

    def __init__(self, model: ModelConfig, joints: JointsConfig, home_rad: Array | None, folder: Path) -> None:
        """Load the MJCF.

        Args:
            model: where it is and what the tip is in it.
            joints: names and limits; where the description gives no limits of position, the model's hold.
            home_rad: float64 (J,), the posture to prefer, rad; None: the middle between the limits.
            folder: what a relative path starts from.

        Raises:
            ConfigError: the MJCF cannot be read, or no tip is given.
            UnknownNameError: the model has no such site, body or joint.
        """
        compiled, site = _load(model, folder)
        known = [compiled.joint(i).name for i in range(compiled.njnt)]
        for name in joints.names:
            if name not in known:
                raise UnknownNameError(f"joint in {model.mjcf}", name, known)
        self._low, self._high = _limits(compiled, joints)
        self.limits = JointLimits(
            position_low=tuple(self._low.tolist()),
            position_high=tuple(self._high.tolist()),
            velocity=joints.velocity,
            acceleration=joints.acceleration,
            jerk=joints.jerk,
        )
        """Those of the description and, where it has none, of the model; for the joint filter."""
        self._speed = np.array(joints.velocity or [np.inf] * len(joints.names))
        middle = np.where(np.isfinite(self._low + self._high), (self._low + self._high) / 2, 0.0)
        self._home = middle if home_rad is None else home_rad
        self._kinematics = Kinematics(compiled, site, self._home, joints.names)

    def locate(self, joints_rad: Array) -> tuple[Array, Array]:
        """Pose of the tip: float64 (3,), m, and float64 (4,), x y z w, for float64 (J,) joint angles."""
        position, rotation = self._kinematics.pose(joints_rad)
        wxyz = np.zeros(4)
        mujoco.mju_mat2Quat(wxyz, rotation.ravel())
        return position, np.roll(wxyz, -1)

    def follow(self, joints_rad: Array, position: Array, quaternion: Array, dt_s: float) -> Array:
        """The joint velocities that bring the tip nearest to a pose within the next ``dt_s``, within all limits.

        Joints that would pass a limit of position are held there and the others solve the rest; then all slow down
        together until none is above its limit of speed, so that the tip keeps its direction.

        Args:
            joints_rad: float64 (J,), where the joints are, rad.
            position: float64 (3,), wanted position of the tip, m.
            quaternion: float64 (4,), wanted orientation, x y z w.
            dt_s: time to get there, s.

        Returns:
            float64 (J,), rad/s.
        """
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, np.roll(quaternion, 1))
        jacobian, error = self._kinematics.linearise(joints_rad, position, rotation.reshape(3, 3))
        error = error.copy()
        change, free = np.zeros(len(joints_rad)), np.ones(len(joints_rad), bool)
        while free.any():
            change[free] = self._kinematics.descend(jacobian[:, free], error, (self._home - joints_rad)[free])
            kept = np.clip(joints_rad + change, self._low, self._high) - joints_rad
            beyond = free & (np.abs(kept - change) > 1e-12)
            if not beyond.any():
                break
            change[beyond] = kept[beyond]
            error -= jacobian[:, beyond] @ kept[beyond]
            free &= ~beyond
        return np.asarray(change / dt_s / max(1.0, float((np.abs(change) / (self._speed * dt_s)).max())))


def _load(model: ModelConfig, folder: Path) -> tuple[mujoco.MjModel, int]:
    """The compiled model and the id of the tip's site."""
    try:
        spec = _spec(model.mjcf, folder)
        if model.site:
            site = model.site
        elif model.body:
            body = spec.body(model.body)
            if body is None:
                raise UnknownNameError(f"body in {model.mjcf}", model.body, [b.name for b in spec.bodies])
            body.add_site(name=_TIP, pos=model.tip_offset or (0.0, 0.0, 0.0))
            site = _TIP
        else:
            raise ConfigError("the model needs 'site' or 'body', to know what the tip is")
        compiled = spec.compile()
    except (OSError, ValueError, mujoco.FatalError) as error:
        raise ConfigError(f"the MJCF '{model.mjcf}' cannot be read: {error}") from error
    sites = [compiled.site(i).name for i in range(compiled.nsite)]
    if site not in sites:
        raise UnknownNameError(f"site in {model.mjcf}", site, sites)
    return compiled, sites.index(site)


def _spec(mjcf: str, folder: Path) -> mujoco.MjSpec:
    if mjcf == OWN_ARM:
        own = build_arm(driven_fingers=False)
        return mujoco.MjSpec.from_string(own.to_xml_string(), assets=own.get_assets())
    path = Path(mjcf).expanduser()
    return mujoco.MjSpec.from_file(str(path if path.is_absolute() else folder / path))


def _limits(model: mujoco.MjModel, joints: JointsConfig) -> tuple[Array, Array]:
    """Limits of position, float64 (J,) each, rad; infinite where there are none."""
    ids = [model.joint(name).id for name in joints.names]
    limited = model.jnt_limited[ids].astype(bool)
    low = np.where(limited, model.jnt_range[ids, 0], -np.inf)
    high = np.where(limited, model.jnt_range[ids, 1], np.inf)
    return np.array(joints.position_low or low), np.array(joints.position_high or high)
