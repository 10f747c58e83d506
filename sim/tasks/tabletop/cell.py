"""The bodies on the table: things and targets whose shape and colour are chosen anew in each episode."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.sim.arena import build_cell
from vlmrl_ros.sim.arm import GRASP_Z_M, build_arm
from vlmrl_ros.sim.engine import Element, compile_model, mujoco
from vlmrl_ros.sim.tasks.tabletop.goals import COLOURS, Thing

THING_COUNT, TARGET_COUNT = 3, 2
_BOX, _CYLINDER = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
_FORMS = {
    "block": (_BOX, (0.020, 0.020, 0.020)),
    "bar": (_BOX, (0.042, 0.013, 0.020)),
    "can": (_CYLINDER, (0.021, 0.020, 0.0)),
    "pad": (_BOX, (0.042, 0.042, 0.001)),
    "plate": (_CYLINDER, (0.044, 0.001, 0.0)),
}
"""Form and half sizes, or radius and half height, m. All things are as high, so that one grasp suits them all."""
HALF_HEIGHT_M = 0.020
PALE = 0.45
"""Share of white in a target's colour, so that it is no thing's."""
_MASS_KG = 0.08
_INERTIA = 2.2e-5


def half_width_m(thing: Thing) -> float:
    """Half of what the fingers close on, m."""
    form, size = _FORMS[thing.kind]
    return size[0] if form == _CYLINDER else size[1]


def compose() -> mujoco.MjModel:
    """The cell with bodies ``thing_<n>``, which are free, and ``target_<n>``, which nothing touches; camera ``top``."""
    arm = build_arm(driven_fingers=True)
    arm.find("body", "hand").add("site", name="tip", pos=[0, 0, GRASP_Z_M], size=[0.002], group=4)
    root = build_cell(arm)
    world = root.worldbody
    for number in range(THING_COUNT):
        thing = world.add("body", name=f"thing_{number}", pos=[0.52, 0.1 * number, HALF_HEIGHT_M])
        thing.add("freejoint", name=f"thing_{number}")
        thing.add("inertial", pos=[0, 0, 0], mass=_MASS_KG, diaginertia=[_INERTIA] * 3)
        thing.add(
            "geom",
            name=f"thing_{number}",
            type="box",
            size=[HALF_HEIGHT_M] * 3,
            condim=4,
            friction=[1.0, 0.02, 0.001],
            solref=[0.006, 1],
        )
    for number in range(TARGET_COUNT):
        target = world.add("body", name=f"target_{number}", mocap=True, pos=[0.52, 0.1 * number, 0.001])
        target.add(
            "geom", name=f"target_{number}", type="box", size=[0.04, 0.04, 0.001], contype=0, conaffinity=0, mass=0
        )
    _add_camera(world)
    model = compile_model(root)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE  # its boxes are those of the compiled forms
    return model


def _add_camera(world: Element) -> None:
    """Looks from the far side, so that the arm hides little, with the robot's left on the left."""
    position, target = np.array([0.90, 0.0, 0.72]), np.array([0.505, 0.0, 0.0])
    back = (position - target) / np.linalg.norm(position - target)
    right = np.array([0.0, -1.0, 0.0])
    world.add("camera", name="top", pos=position, xyaxes=[*right, *np.cross(back, right)], fovy=30)


def shape(model: mujoco.MjModel, name: str, thing: Thing) -> None:
    """Make a body look, and collide, like a thing."""
    geom = model.geom(name)
    form, size = _FORMS[thing.kind]
    half = np.array(size if form == _BOX else (size[0], size[0], size[1]))
    geom.type[:] = form
    geom.size[:] = size
    geom.rbound[:] = np.linalg.norm(half)
    model.geom_aabb[geom.id] = [0, 0, 0, *half]
    white = PALE if name.startswith("target") else 0.0
    geom.rgba[:] = [*(white + (1 - white) * np.array(COLOURS[thing.colour])), 1.0]
