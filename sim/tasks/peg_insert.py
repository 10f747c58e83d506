"""Insert a square peg into a hole whose position is known only to a millimetre or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.spec import ContextSpec
from vlmrl_ros.sim.arena import build_cell
from vlmrl_ros.sim.arm import ACCENT, GRASP_Z_M, build_arm
from vlmrl_ros.sim.engine import Element, compile_model, mujoco
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import START_DISTANCE, ArmConfig, ArmTask, Feature, Workpiece, features

_PEG_HALF_M = 0.010
_PEG_TIP_Z_M = 0.165
_HOLE_DEPTH_M = 0.040
_BLOCK_HALF_M = 0.065
_FLOOR_M = 0.010
_RIM_Z_M = _FLOOR_M + _HOLE_DEPTH_M
_CENTER = np.array([0.52, 0.0, _RIM_Z_M])
_CLEAR_M = 0.005
_WIDE_M = 0.012
"""A gap at which aiming is no art."""
_CONTACT = {
    "contype": 1,
    "conaffinity": 1,
    "friction": [0.3, 0.005, 0.0001],
    "solref": [0.006, 1],
    "solimp": [0.95, 0.99, 0.0005, 0.5, 2],
}

_GAP = Feature("clearance", "m", 0.0, _WIDE_M)
_SEEN = (
    *features("hole", "m", 0.10),
    *features("hole_fine", "m", 0.005, "xy"),
    *features("hole_fine", "m", 0.010, "z"),
)


@dataclass(frozen=True)
class PegInsertConfig(ArmConfig):
    """Options of ``peg_insert``."""

    clearance_mm: float = option(2.0, "gap between peg and hole on each side", unit="mm", low=0.2, high=10.0)
    estimate_error_mm: float = option(
        2.0, "greatest error of the hole estimate in x and y", unit="mm", low=0.0, high=20.0
    )
    insertion_depth_mm: float = option(
        20.0, "depth of the tip below the rim that counts as success", unit="mm", low=1.0, high=38.0
    )
    hole_range_x_mm: float = option(
        40.0, "the hole lies within this distance of the middle, in x", unit="mm", low=0.0, high=60.0
    )
    hole_range_y_mm: float = option(
        60.0, "the hole lies within this distance of the middle, in y", unit="mm", low=0.0, high=150.0
    )
    start_range_mm: float = option(
        40.0, "the tip starts within this distance of the hole, in x and y", unit="mm", low=0.0, high=60.0
    )
    start_low_mm: float = option(
        30.0, "least height of the tip over the rim at the start", unit="mm", low=5.0, high=150.0
    )
    start_high_mm: float = option(
        70.0, "greatest height of the tip over the rim at the start", unit="mm", low=5.0, high=150.0
    )
    context: str = option(
        "start_distance",
        "what a curriculum changes: the share of its way that the tip has to go, or the gap, from 12 mm down to "
        "clearance_mm, which the state then has",
        choices=("start_distance", "clearance"),
    )


def build(config: Mapping[str, Any]) -> PegInsert:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PegInsert(from_mapping(PegInsertConfig, config, "task peg_insert"))


class PegInsert(ArmTask):
    """The peg is held; the hole stands on the table at a random place."""

    def __init__(self, config: PegInsertConfig) -> None:
        """Compose and compile the cell."""
        self._narrows = config.context == "clearance"
        model = _compose(config.clearance_mm / 1000)
        seen = (*_SEEN, _GAP) if self._narrows else _SEEN
        super().__init__("peg_insert", config, model, seen=seen, context=_context_of(config))
        if self._narrows:  # the tree of bounding boxes is made once, for the walls as they were compiled
            model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
        self._model = model
        self._options = config
        self._hole = _CENTER.copy()
        self._estimate = _CENTER.copy()

    def shuffle(self, rng: np.random.Generator) -> None:
        """Stand the block somewhere else and estimate anew where its hole is; the arm does not move."""
        o = self._options
        shift = rng.uniform(-1, 1, 2) * [o.hole_range_x_mm, o.hole_range_y_mm] / 1000
        error = rng.uniform(-1, 1, 2) * o.estimate_error_mm / 1000
        self._hole = _CENTER + np.array([*shift, 0])
        self._estimate = self._hole + np.array([*error, 0])
        self.robot.data.mocap_pos[0] = [self._hole[0], self._hole[1], 0]

    def workpiece(self) -> Workpiece:
        """Middle of the hole's rim."""
        return Workpiece(self._hole.copy(), self._estimate.copy(), clear_m=_CLEAR_M)

    def _begin(self, rng: np.random.Generator) -> None:
        self.shuffle(rng)
        o = self._options
        beside = rng.uniform(-1, 1, 2) * o.start_range_mm / 1000
        low, high = sorted((o.start_low_mm, o.start_high_mm))
        height = rng.uniform(low, high) / 1000
        if self._narrows:
            _set_gap(self._model, self._context)
        share = 1.0 if self._narrows else self._context
        self.robot.place(self._hole + share * np.array([*beside, height]))

    def _look(self) -> Array:
        offset = self._estimate - self.robot.tip
        return np.concatenate((offset, offset, [self._context] if self._narrows else []))

    def _in_goal(self) -> bool:
        offset = self.robot.tip - self._hole
        return bool(offset[2] < -self._options.insertion_depth_mm / 1000 and np.abs(offset[:2]).max() < _PEG_HALF_M)

    def scene(self) -> dict[str, float]:
        """True offset from the hole's rim to the tip (``tip_x``, ``tip_y``, ``tip_z``), m, and ``force``, N."""
        x, y, z = self.robot.tip - self._hole
        return {"tip_x": float(x), "tip_y": float(y), "tip_z": float(z), "force": self.robot.force_n}


def _context_of(config: PegInsertConfig) -> ContextSpec:
    if config.context == "start_distance":
        return START_DISTANCE
    component = "" if config.observation == "pixels" else _GAP.name
    return ContextSpec("clearance", "m", trivial=_WIDE_M, full=config.clearance_mm / 1000, component=component)


def _set_gap(model: mujoco.MjModel, clearance_m: float) -> None:
    """Move the walls of the hole, between two episodes."""
    for number, (size, position) in enumerate(_walls(_PEG_HALF_M + clearance_m)):
        geom = model.geom(f"wall_{number}")
        geom.size[:], geom.pos[:], geom.rbound[:] = size, position, np.linalg.norm(size)
        model.geom_aabb[geom.id] = [0, 0, 0, *size]


def _compose(clearance_m: float) -> mujoco.MjModel:
    arm = build_arm(driven_fingers=False, held_width_m=2 * _PEG_HALF_M - 0.0005)
    hand = arm.find("body", "hand")
    middle, half = (GRASP_Z_M - 0.02 + _PEG_TIP_Z_M) / 2, (_PEG_TIP_Z_M - GRASP_Z_M + 0.02) / 2
    peg = hand.add(
        "geom",
        name="peg",
        type="box",
        size=[_PEG_HALF_M, _PEG_HALF_M, half],
        pos=[0, 0, middle],
        rgba=ACCENT,
        mass=0.05,
    )
    peg.set_attributes(**_CONTACT)
    hand.add("site", name="tip", pos=[0, 0, _PEG_TIP_Z_M], size=[0.002], group=4)
    root = build_cell(arm)
    _add_block(root.worldbody.add("body", name="block", mocap=True, pos=[*_CENTER[:2], 0]), _PEG_HALF_M + clearance_m)
    return compile_model(root)


def _add_block(block: Element, hole_half_m: float) -> None:
    """A block with a square hole, centred: walls and a floor."""
    for number, (size, position) in enumerate(_walls(hole_half_m)):
        blue = "0.20 0.40 0.62 1"
        block.add("geom", name=f"wall_{number}", type="box", size=size, pos=position, rgba=blue, **_CONTACT)
    block.add(
        "geom",
        type="box",
        size=[_BLOCK_HALF_M, _BLOCK_HALF_M, _FLOOR_M / 2],
        pos=[0, 0, _FLOOR_M / 2],
        rgba="0.12 0.14 0.17 1",
        **_CONTACT,
    )


def _walls(hole_half_m: float) -> list[tuple[list[float], list[float]]]:
    """Half sizes and places in the block of two long walls and two short ones between them, in turn, m."""
    wall = (_BLOCK_HALF_M - hole_half_m) / 2
    middle, height, z = hole_half_m + wall, _HOLE_DEPTH_M / 2, _FLOOR_M + _HOLE_DEPTH_M / 2
    walls: list[tuple[list[float], list[float]]] = []
    for side in (1, -1):
        walls.append(([wall, _BLOCK_HALF_M, height], [side * middle, 0, z]))
        walls.append(([hole_half_m, wall, height], [0, side * middle, z]))
    return walls
