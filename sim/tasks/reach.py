"""Bring the tip to a point in the air: the smallest arm task, for tests and first steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.sim.arena import build_cell
from vlmrl_ros.sim.arm import ACCENT, GRASP_Z_M, build_arm
from vlmrl_ros.sim.engine import compile_model, mujoco
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import START_DISTANCE, ArmConfig, ArmTask, Workpiece, features

_CENTER = np.array([0.52, 0.0, 0.20])
_SEEN = (*features("target", "m", 0.20), *features("target_fine", "m", 0.02))


@dataclass(frozen=True)
class ReachConfig(ArmConfig):
    """Options of ``reach``."""

    tolerance_mm: float = option(8.0, "distance to the target that counts as success", unit="mm", low=1.0, high=50.0)
    range_mm: float = option(
        80.0, "target and start lie within this distance of the middle on each axis", unit="mm", low=10.0, high=120.0
    )


def build(config: Mapping[str, Any]) -> Reach:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return Reach(from_mapping(ReachConfig, config, "task reach"))


class Reach(ArmTask):
    """The target is a ball that nothing collides with."""

    def __init__(self, config: ReachConfig) -> None:
        """Compose and compile the cell."""
        super().__init__("reach", config, _compose(config.tolerance_mm / 1000), seen=_SEEN, context=START_DISTANCE)
        self._options = config
        self._target = _CENTER.copy()

    def shuffle(self, rng: np.random.Generator) -> None:
        """Hang the ball somewhere else; the arm does not move."""
        reach = self._options.range_mm / 1000
        self._target = _CENTER + rng.uniform(-reach, reach, 3)
        self.robot.data.mocap_pos[0] = self._target

    def workpiece(self) -> Workpiece:
        """Middle of the ball, which is never in the way."""
        return Workpiece(self._target.copy(), self._target.copy(), clear_m=-math.inf)

    def _begin(self, rng: np.random.Generator) -> None:
        self.shuffle(rng)
        reach = self._options.range_mm / 1000
        start = _CENTER + rng.uniform(-reach, reach, 3)
        self.robot.place(start + (1 - self._context) * (self._target - start))

    def _look(self) -> Array:
        offset = self._target - self.robot.tip
        return np.concatenate((offset, offset))

    def _in_goal(self) -> bool:
        return bool(np.linalg.norm(self._target - self.robot.tip) < self._options.tolerance_mm / 1000)

    def scene(self) -> dict[str, float]:
        """Offset from the target to the tip (``tip_x``, ``tip_y``, ``tip_z``), m, and ``force``, N."""
        x, y, z = self.robot.tip - self._target
        return {"tip_x": float(x), "tip_y": float(y), "tip_z": float(z), "force": self.robot.force_n}


def _compose(radius_m: float) -> mujoco.MjModel:
    arm = build_arm(driven_fingers=False, held_width_m=0.012)
    arm.find("body", "hand").add("site", name="tip", pos=[0, 0, GRASP_Z_M], size=[0.002], group=4)
    root = build_cell(arm)
    ball = root.worldbody.add("body", name="target", mocap=True, pos=_CENTER)
    ball.add("geom", type="sphere", size=[radius_m], rgba=ACCENT, contype=0, conaffinity=0)
    return compile_model(root)
