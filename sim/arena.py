"""The work cell around the arm: floor, table, light, sky and the cameras for people."""

from __future__ import annotations

from vlmrl_ros.sim.engine import PHYSICS_DT_S, look_at, mjcf

CAMERAS = ("wrist", "front")
"""Cameras that can be part of the observation."""

_MAX_RENDER = (1920, 1080)


def build_cell(arm: mjcf.RootElement) -> mjcf.RootElement:
    """Compose the work cell with an arm on its table. The table top is z = 0 and collides.

    Returns:
        a model to which a task adds its bodies; cameras ``front`` and ``overview``.
    """
    root = mjcf.RootElement(model="cell")
    root.compiler.angle = "radian"
    root.option.timestep = PHYSICS_DT_S
    root.option.integrator = "implicitfast"
    root.option.cone = "elliptic"
    _visual(root)
    _materials(root)
    _furniture(root)
    _cameras(root)
    root.attach(arm)
    return root


def _visual(root: mjcf.RootElement) -> None:
    """Round shapes are coarse: their facets cost half of the time of a small frame."""
    quality = root.visual.quality
    quality.numslices, quality.numstacks, quality.numquads = 20, 6, 1
    getattr(root.visual, "global").offwidth, getattr(root.visual, "global").offheight = _MAX_RENDER
    root.visual.map.znear = 0.01
    root.visual.map.zfar = 20
    root.visual.headlight.ambient = [0.34, 0.34, 0.36]
    root.visual.headlight.diffuse = [0.28, 0.28, 0.28]
    root.visual.headlight.specular = [0.1, 0.1, 0.1]
    root.statistic.center = [0.35, 0, 0.25]
    root.statistic.extent = 1.0


def _materials(root: mjcf.RootElement) -> None:
    root.asset.add(
        "texture",
        name="sky",
        type="skybox",
        builtin="gradient",
        rgb1=[0.80, 0.86, 0.92],
        rgb2=[0.36, 0.42, 0.50],
        width=128,
        height=128,
    )
    tiles = root.asset.add(
        "texture",
        name="tiles",
        type="2d",
        builtin="checker",
        rgb1=[0.47, 0.50, 0.54],
        rgb2=[0.43, 0.46, 0.50],
        width=128,
        height=128,
    )
    root.asset.add("material", name="floor", texture=tiles, texrepeat=[8, 8])
    root.asset.add("material", name="table", rgba=[0.66, 0.60, 0.52, 1], specular=0.2, shininess=0.2)
    root.asset.add("material", name="mat", rgba=[0.26, 0.30, 0.34, 1], specular=0.1)
    root.asset.add("material", name="frame", rgba=[0.22, 0.24, 0.27, 1], specular=0.4)


def _furniture(root: mjcf.RootElement) -> None:
    world = root.worldbody
    still = {"contype": 0, "conaffinity": 0}
    world.add("geom", name="floor", type="plane", size=[3, 3, 0.1], pos=[0, 0, -0.75], material="floor", **still)
    world.add(
        "geom",
        name="table",
        type="box",
        size=[0.55, 0.55, 0.02],
        pos=[0.33, 0, -0.02],
        material="table",
        friction=[0.6, 0.01, 0.001],
    )
    world.add("geom", name="mat", type="box", size=[0.22, 0.28, 0.0005], pos=[0.52, 0, 0], material="mat", **still)
    world.add("geom", type="box", size=[0.56, 0.56, 0.025], pos=[0.33, 0, -0.066], material="frame", **still)
    for x in (-0.17, 0.83):
        for y in (-0.5, 0.5):
            world.add("geom", type="box", size=[0.03, 0.03, 0.33], pos=[x, y, -0.42], material="frame", **still)
    world.add(
        "light",
        pos=[0.9, -0.9, 1.8],
        dir=[-0.35, 0.5, -1],
        diffuse=[0.55, 0.54, 0.52],
        specular=[0.3, 0.3, 0.3],
        directional=True,
    )
    world.add(
        "light",
        pos=[-0.6, 1.2, 1.6],
        dir=[0.4, -0.6, -0.8],
        diffuse=[0.22, 0.24, 0.28],
        specular=[0.1, 0.1, 0.1],
        directional=True,
    )


def _cameras(root: mjcf.RootElement) -> None:
    front, overview = (1.02, -0.36, 0.42), (1.45, -1.15, 0.85)
    root.worldbody.add("camera", name="front", pos=front, xyaxes=look_at(front, (0.52, 0.0, 0.16)), fovy=30)
    root.worldbody.add("camera", name="overview", pos=overview, xyaxes=look_at(overview, (0.28, 0.0, 0.27)), fovy=36)
