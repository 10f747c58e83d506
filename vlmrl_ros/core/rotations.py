"""The few rotations that bridges need. Quaternions are float64 (4,), x y z w, of unit length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import NonFiniteError

Array = npt.NDArray[np.float64]

IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def unit(quaternion: npt.ArrayLike, what: str) -> Array:
    """The quaternion at unit length.

    Raises:
        NonFiniteError: it is zero, or not finite.
    """
    q = np.asarray(quaternion, np.float64)
    length = float(np.linalg.norm(q))
    if not 1e-6 < length < np.inf:
        raise NonFiniteError(f"{what} has the quaternion {q.tolist()}, which is no rotation")
    return np.asarray(q / length)


def multiply(a: Array, b: Array) -> Array:
    """Rotation ``b``, then ``a``."""
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.append(vector, a[3] * b[3] - a[:3] @ b[:3])


def from_rotation_vector(vector: Array) -> Array:
    """Rotation by the length of float64 (3,), rad, about its direction."""
    angle = float(np.linalg.norm(vector))
    return np.append(0.5 * np.sinc(angle / (2 * np.pi)) * vector, np.cos(angle / 2))


def to_rotation_vector(quaternion: Array) -> Array:
    """Inverse of :func:`from_rotation_vector`, the short way round, float64 (3,), rad."""
    q = quaternion if quaternion[3] >= 0 else -quaternion
    sine = float(np.linalg.norm(q[:3]))
    stretch = 2.0 * float(np.arctan2(sine, q[3])) / sine if sine > 1e-12 else 2.0
    return np.asarray(stretch * q[:3])


def difference(target: Array, start: Array) -> Array:
    """Rotation vector from ``start`` to ``target`` in the frame that both are given in, float64 (3,), rad."""
    conjugate = start * np.array([-1.0, -1.0, -1.0, 1.0])
    return to_rotation_vector(multiply(target, conjugate))


def rotate(quaternion: Array, vector: Array) -> Array:
    """The vector float64 (3,), rotated."""
    twice = 2.0 * np.cross(quaternion[:3], vector)
    return np.asarray(vector + quaternion[3] * twice + np.cross(quaternion[:3], twice))
