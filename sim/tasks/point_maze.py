"""A point in a U-shaped corridor, with a goal along its middle line: the smallest maze that a curriculum can halve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.spec import ContextSpec, FloatArray, TaskSpec
from vlmrl_ros.sim.context_task import ContextTask
from vlmrl_ros.sim.task import Feature, vector_spec

CORNERS_M = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
"""The middle line of the corridor, from the start to the end."""
LENGTH_M = 6.0
_HALF_WIDTH_M = 0.5
_LOW_M, _HIGH_M = -_HALF_WIDTH_M, 2.0 + _HALF_WIDTH_M
_WALL_M = np.array([[_LOW_M, _HALF_WIDTH_M], [2.0 - _HALF_WIDTH_M, 2.0 - _HALF_WIDTH_M]])
"""Corners of the wall between the legs of the U."""
_START_RANGE_M = 0.1
_DT_S = 0.1
_VIEW = "overview"
_FLOOR, _WALL, _GOAL, _POINT = (240, 240, 240), (95, 107, 122), (0, 158, 115), (0, 114, 178)


@dataclass(frozen=True)
class PointMazeConfig:
    """Options of ``point_maze``."""

    horizon: int = option(30, "control steps of an episode", low=1)
    speed_m_s: float = option(3.0, "greatest speed on each axis", unit="m/s", low=0.01, high=5.0)
    tolerance_m: float = option(0.35, "distance to the goal that counts as success", unit="m", low=0.01, high=1.0)


def build(config: Mapping[str, Any]) -> PointMaze:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PointMaze(from_mapping(PointMazeConfig, config, "task point_maze"))


class PointMaze(ContextTask):
    """Reward: 1.0 for each step that ends at the goal, else 0.0. The context is where the goal lies along the path."""

    def __init__(self, config: PointMazeConfig) -> None:
        """Stand at the start."""
        place = (Feature("x", "m", _LOW_M, _HIGH_M), Feature("y", "m", _LOW_M, _HIGH_M))
        goal = Feature("goal_path", "m", 0.0, LENGTH_M)
        speed = config.speed_m_s
        spec = TaskSpec(
            task="point_maze",
            observation=vector_spec((*place, goal)),
            action=vector_spec((Feature("linear_x", "m/s", -speed, speed), Feature("linear_y", "m/s", -speed, speed))),
            cameras=(),
            control_dt_s=_DT_S,
            horizon=config.horizon,
            context=ContextSpec("goal_path", "m", trivial=0.0, full=LENGTH_M, component="goal_path"),
        )
        super().__init__(spec, config)
        self._tolerance_m = config.tolerance_m
        self._place, self._goal = np.zeros(2), on_path(LENGTH_M)

    def scene(self) -> dict[str, float]:
        """Position and goal (``x``, ``y``, ``goal_x``, ``goal_y``), m."""
        (x, y), (goal_x, goal_y) = self._place, self._goal
        return {"x": float(x), "y": float(y), "goal_x": float(goal_x), "goal_y": float(goal_y)}

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """The maze from above, uint8 (height, width, 3) RGB; y points up.

        Raises:
            UnknownNameError: a camera other than ``overview``.
        """
        if camera != _VIEW:
            raise UnknownNameError("camera", camera, (_VIEW,))
        x = np.linspace(_LOW_M, _HIGH_M, width)[None, :]
        y = np.linspace(_HIGH_M, _LOW_M, height)[:, None]
        frame = np.where(is_free(x, y)[..., None], np.uint8(_FLOOR), np.uint8(_WALL))
        for centre, radius_m, colour in ((self._goal, self._tolerance_m, _GOAL), (self._place, 0.1, _POINT)):
            frame[np.hypot(x - centre[0], y - centre[1]) < radius_m] = colour
        return frame

    def _begin(self, rng: np.random.Generator) -> None:
        self._place = rng.uniform(-_START_RANGE_M, _START_RANGE_M, 2)
        self._goal = on_path(self._context)

    def _move(self, action: FloatArray) -> float:
        for axis in range(2):  # one after the other, so that the point slides along walls
            wanted = self._place.copy()
            wanted[axis] += float(action[axis]) * _DT_S
            if is_free(wanted[0], wanted[1]):
                self._place = wanted
        return float(self._done())

    def _look(self) -> list[float]:
        return [self._place[0], self._place[1], self._context]

    def _done(self) -> bool:
        return math.dist(self._place, self._goal) < self._tolerance_m


def on_path(distance_m: float) -> npt.NDArray[np.float64]:
    """The point of the middle line at a distance from the start, float64 (2,), m."""
    leg = min(int(distance_m / 2.0), 2)
    share = distance_m / 2.0 - leg
    return (1 - share) * CORNERS_M[leg] + share * CORNERS_M[leg + 1]


def is_free(x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Where the floor is, for coordinates in m that broadcast."""
    x, y = np.asarray(x), np.asarray(y)
    inside = (x >= _LOW_M) & (x <= _HIGH_M) & (y >= _LOW_M) & (y <= _HIGH_M)
    (wall_left, wall_low), (wall_right, wall_high) = _WALL_M
    wall = (x >= wall_left) & (x < wall_right) & (y > wall_low) & (y < wall_high)
    return inside & ~wall
