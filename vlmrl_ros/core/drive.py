"""What an arm is told between two commands: a velocity held for a while, and the desired tip that it moves.

Pure; the bridge advances it at the rate of the output. It only ever takes away from what the safety filter let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.rotations import IDENTITY, from_rotation_vector, multiply
from vlmrl_ros.core.spec import FloatArray, VectorSpec

Array = npt.NDArray[np.float64]

_TWIST = tuple(f"{kind}_{axis}" for kind in ("linear", "angular") for axis in "xyz")


@dataclass(frozen=True)
class Motion:
    """One message to the arm, in the base frame.

    Attributes:
        twist: velocity of the tip, float64 (6,), m/s and rad/s; exactly zero at a stop.
        position: the desired tip, float64 (3,), m.
        quaternion: its orientation, float64 (4,), x y z w.
        gripper: rate of the opening in [-1, 1]; 0 where there is none.
        dt_s: time until the next message, s.
        joints: joint positions that lead there, float64 (J,), rad; empty where no output needs them.
        joint_velocities: float64 (J,), rad/s; exactly zero at a stop.
    """

    twist: Array
    position: Array
    quaternion: Array
    gripper: float
    dt_s: float
    joints: Array
    joint_velocities: Array

    @property
    def still(self) -> bool:
        """The arm is told to stand still."""
        return not self.twist.any()


class Drive:
    """Holds the newest action that may be carried out and integrates it to the desired pose of the tip.

    The desired tip stays within the workspace box and, last, on its leash: close to the real one on each axis, which
    bounds the force that a position-controlled arm builds up in contact.
    """

    def __init__(
        self, action: VectorSpec, leash_m: float, box: tuple[Sequence[float], Sequence[float]] = ((), ())
    ) -> None:
        """Begin at rest.

        Args:
            action: spec of the action; unknown components are ignored.
            leash_m: greatest distance of the desired tip from the real one on each axis.
            box: lower and upper corner of the workspace, m; empty for none.
        """
        self._index = {name: i for i, name in enumerate(action.names)}
        self._leash = leash_m
        low, high = box
        self._low = np.asarray(low, np.float64) if low else np.full(3, -np.inf)
        self._high = np.asarray(high, np.float64) if high else np.full(3, np.inf)
        self._twist = np.zeros(6)
        self._gripper = 0.0
        self._desired = np.zeros(3)
        self._quaternion = IDENTITY

    def anchor(self, tip: Array, quaternion: Array | None = None) -> None:
        """The arm is here, at rest: the desired tip is the real one.

        Args:
            tip: float64 (3,), m.
            quaternion: float64 (4,); None keeps the orientation that was desired before.
        """
        self.halt()
        self._desired = np.array(tip)
        if quaternion is not None:
            self._quaternion = np.array(quaternion)

    def hold(self, action: FloatArray) -> None:
        """Carry out float32 (A,) from now on."""
        values = action.tolist()
        self._twist = np.array([values[self._index[name]] if name in self._index else 0.0 for name in _TWIST])
        self._gripper = values[self._index["gripper"]] if "gripper" in self._index else 0.0

    def halt(self) -> None:
        """Stand still from now on."""
        self._twist = np.zeros(6)
        self._gripper = 0.0

    def lag(self, tip: Array) -> Array:
        """Desired minus real tip, float64 (3,), m."""
        return self._desired - tip

    def advance(self, tip: Array, dt_s: float) -> Motion:
        """The motion of the next ``dt_s``; the desired pose moves by it.

        Args:
            tip: where the tip is now, float64 (3,), m.
            dt_s: until the next call, s.
        """
        wanted = self._twist[:3]
        inside = np.clip(self._desired + wanted * dt_s, self._low, self._high)
        linear = np.clip((inside - self._desired) / dt_s, np.minimum(wanted, 0.0), np.maximum(wanted, 0.0))
        self._desired = np.clip(self._desired + linear * dt_s, tip - self._leash, tip + self._leash)
        if self._twist[3:].any():
            turned = multiply(from_rotation_vector(self._twist[3:] * dt_s), self._quaternion)
            self._quaternion = turned / np.linalg.norm(turned)
        return Motion(
            twist=np.concatenate((linear, self._twist[3:])),
            position=self._desired.copy(),
            quaternion=self._quaternion.copy(),
            gripper=self._gripper,
            dt_s=dt_s,
            joints=np.zeros(0),
            joint_velocities=np.zeros(0),
        )
