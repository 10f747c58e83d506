"""Pick a cube from the table and lift it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.sim.arena import build_cell
from vlmrl_ros.sim.arm import ACCENT, FINGER_STROKE_M, GRASP_Z_M, build_arm
from vlmrl_ros.sim.engine import compile_model, mujoco
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import ArmConfig, ArmTask, Feature, Workpiece, features

_CUBE_HALF_M = 0.020
_CENTER = np.array([0.52, 0.0, _CUBE_HALF_M])
_CLEAR_M = 0.05
_SEEN = (
    *features("cube", "m", 0.15),
    *features("cube_fine", "m", 0.02),
    Feature("cube_height", "m", 0.0, 0.10),
)
_FELT = (Feature("opening", "m", 0.0, 2 * FINGER_STROKE_M),)


@dataclass(frozen=True)
class PickLiftConfig(ArmConfig):
    """Options of ``pick_lift``."""

    horizon: int = option(100, "control steps of an episode", low=1)
    lift_mm: float = option(
        40.0, "height of the cube over the table that counts as success", unit="mm", low=5.0, high=150.0
    )
    cube_range_mm: float = option(
        60.0, "the cube lies within this distance of the middle, in x and y", unit="mm", low=0.0, high=100.0
    )
    start_range_mm: float = option(
        40.0, "the hand starts within this distance of the cube, in x and y", unit="mm", low=0.0, high=60.0
    )
    start_low_mm: float = option(
        60.0, "least height of the grasp point over the cube at the start", unit="mm", low=40.0, high=200.0
    )
    start_high_mm: float = option(
        110.0, "greatest height of the grasp point over the cube at the start", unit="mm", low=40.0, high=200.0
    )


def build(config: Mapping[str, Any]) -> PickLift:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PickLift(from_mapping(PickLiftConfig, config, "task pick_lift"))


class PickLift(ArmTask):
    """The cube is free; the hand starts open above it."""

    def __init__(self, config: PickLiftConfig) -> None:
        """Compose and compile the cell."""
        super().__init__("pick_lift", config, _compose(), seen=_SEEN, felt=_FELT, driven_fingers=True)
        self._options = config
        self._cube = self.robot.model.body("cube").id
        start = int(self.robot.model.joint("cube").qposadr[0])
        self._cube_at = slice(start, start + 3)
        moves = int(self.robot.model.joint("cube").dofadr[0])
        self._cube_moves = slice(moves, moves + 6)

    def shuffle(self, rng: np.random.Generator) -> None:
        """Lay the cube somewhere else; the arm does not move."""
        shift = rng.uniform(-1, 1, 2) * self._options.cube_range_mm / 1000
        self.robot.data.qpos[self._cube_at] = _CENTER + np.array([*shift, 0])
        self.robot.data.qpos[self._cube_at.stop : self._cube_at.stop + 4] = [1, 0, 0, 0]
        self.robot.data.qvel[self._cube_moves] = 0

    def workpiece(self) -> Workpiece:
        """Middle of the cube."""
        return Workpiece(self._cube_position, self._cube_position, clear_m=_CLEAR_M)

    def _begin(self, rng: np.random.Generator) -> None:
        self.shuffle(rng)
        o = self._options
        low, high = sorted((o.start_low_mm, o.start_high_mm))
        above = np.array([*rng.uniform(-1, 1, 2) * o.start_range_mm, rng.uniform(low, high)]) / 1000
        self.robot.place(self.robot.data.qpos[self._cube_at] + above, opening_m=2 * FINGER_STROKE_M)

    def _look(self) -> Array:
        offset = self._cube_position - self.robot.tip
        return np.concatenate((offset, offset, [self._height]))

    def _feel(self) -> Array:
        return np.array([self.robot.opening])

    def _in_goal(self) -> bool:
        return self._height > self._options.lift_mm / 1000

    @property
    def _cube_position(self) -> Array:
        return np.array(self.robot.data.xpos[self._cube])

    @property
    def _height(self) -> float:
        """Of the cube over the table, m."""
        return float(self._cube_position[2] - _CUBE_HALF_M)

    def scene(self) -> dict[str, float]:
        """Offset from cube to grasp point (``tip_*``), the cube's ``height``, the ``opening``, m, and ``force``, N."""
        x, y, z = self.robot.tip - self._cube_position
        return {
            "tip_x": float(x),
            "tip_y": float(y),
            "tip_z": float(z),
            "height": self._height,
            "opening": self.robot.opening,
            "force": self.robot.force_n,
        }


def _compose() -> mujoco.MjModel:
    arm = build_arm(driven_fingers=True)
    arm.find("body", "hand").add("site", name="tip", pos=[0, 0, GRASP_Z_M], size=[0.002], group=4)
    root = build_cell(arm)
    cube = root.worldbody.add("body", name="cube", pos=_CENTER)
    cube.add("freejoint", name="cube")
    cube.add(
        "geom",
        type="box",
        size=[_CUBE_HALF_M] * 3,
        rgba=ACCENT,
        mass=0.08,
        condim=4,
        friction=[1.0, 0.02, 0.001],
        solref=[0.006, 1],
    )
    return compile_model(root)
