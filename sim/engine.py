"""MuJoCo and dm_control's MJCF composer, imported without OpenGL, and the few helpers that all models share.

Both packages load OpenGL on import where ``MUJOCO_GL`` asks for it, and fail where it is missing; so this is
the one place that imports them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.gl import without_gl

with without_gl():
    import mujoco
    from dm_control import mjcf

__all__ = ["PHYSICS_DT_S", "Element", "compile_model", "look_at", "mjcf", "mujoco"]

Element = mjcf.Element
PHYSICS_DT_S = 0.002
"""Physics time step, s (500 Hz)."""


def compile_model(root: mjcf.RootElement) -> mujoco.MjModel:
    """Compile a composed model for the ``mujoco`` bindings."""
    return mujoco.MjModel.from_xml_string(root.to_xml_string(), root.get_assets())


def look_at(position: tuple[float, float, float], target: tuple[float, float, float]) -> list[float]:
    """The ``xyaxes`` of a camera at ``position`` that looks at ``target``, both in m in the parent's frame.

    The image's up direction is the parent's +z, or +x for a camera that looks along z.
    """
    back = _unit(np.subtract(position, target))
    up = np.array([1.0, 0.0, 0.0]) if abs(back[2]) > 0.98 else np.array([0.0, 0.0, 1.0])
    right = _unit(np.cross(up, back))
    return [*right, *np.cross(back, right)]


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
