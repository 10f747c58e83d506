"""A point in a winding corridor whose walls end the episode: small enough for benchmarks of learning itself.

Few steps from offline data to a solved task, a success that falls off gradually because the point slips, and a failure
that is final: what it takes to see whether a learner forgets when it goes from data to the robot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dm_env
import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.spec import FloatArray, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Observation

Array = npt.NDArray[np.float64]
Cell = tuple[int, int]
"""Row from the top and column."""

MAZE = (
    "#######",
    "#G    #",
    "##### #",
    "#     #",
    "# #####",
    "#     #",
    "#######",
)
"""Cells of 1 m, ``#`` a wall, ``G`` the goal; x goes to the right and y down, both from the upper left corner."""
SPEED_M_S = 0.5
_STEP_S = 1.0
_SUBSTEPS = 3
_GOAL_RADIUS_M = 0.4
_START_SPREAD_M = 0.3
_WAVES = (1, 2)
_COLOURS = {"wall": (52, 58, 70), "floor": (240, 242, 245), "goal": (0, 158, 115), "point": (213, 94, 0)}


@dataclass(frozen=True)
class CrashMazeConfig:
    """Options of ``crash_maze``."""

    slip_m: float = option(
        0.12, "standard deviation of what a move is off, on each axis; a point at rest stays", unit="m", low=0.0
    )
    nearest_start: int = option(
        8, "moves from cell to cell between a start and the goal, at least; 0: start anywhere", low=0, high=16
    )
    horizon: int = option(100, "control steps of an episode", low=1)


def build(config: Mapping[str, Any]) -> CrashMaze:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return CrashMaze(from_mapping(CrashMazeConfig, config, "task crash_maze"))


class CrashMaze:
    """Behind the protocol :class:`~vlmrl_ros.core.interfaces.Task`. Reward: 1 at the goal, which ends the episode."""

    def __init__(self, config: CrashMazeConfig) -> None:
        """Measure the ways."""
        self._config = config
        self.options = to_mapping(config)
        size = np.array([len(MAZE[0]), len(MAZE)], np.float32)
        waves = [f"{name}_{wave}_{axis}" for wave in _WAVES for name in ("sin", "cos") for axis in "xy"]
        low = np.concatenate((np.zeros(2), np.full(len(waves), -1.0)))
        high = np.concatenate((size, np.ones(len(waves))))
        speed = np.full(2, SPEED_M_S)
        self.spec = TaskSpec(
            task="crash_maze",
            observation=VectorSpec(("x", "y", *waves), ("m", "m", *("1",) * len(waves)), low, high),
            action=VectorSpec(("velocity_x", "velocity_y"), ("m/s",) * 2, -speed, speed),
            cameras=(),
            control_dt_s=_STEP_S,
            horizon=config.horizon,
        )
        self._size = size.astype(np.float64)
        self._goal = goal_cell()
        ways = distances(self._goal)
        self._starts = sorted(cell for cell, moves in ways.items() if moves >= config.nearest_start)
        self._rng = np.random.default_rng(0)
        self._position = middle(self._goal)
        self._step = 0
        self._ended, self._succeeded = True, False

    @property
    def success(self) -> bool:
        """The point is at the goal."""
        return self._succeeded

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode; what slips is drawn from ``rng`` too."""
        self._rng = rng
        start = self._starts[int(rng.integers(len(self._starts)))]
        self._position = middle(start) + rng.uniform(-_START_SPREAD_M, _START_SPREAD_M, 2)
        self._step, self._ended, self._succeeded = 0, False, False
        return dm_env.restart(self._observe())

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Move with float32 (2,), m/s, clipped to the bounds, for a second, and slip.

        Returns:
            with discount 0 at the goal (reward 1) and where the point touches a wall (reward 0).

        Raises:
            RuntimeError: the episode is over.
            ShapeError: wrong dimension.
            NonFiniteError: NaN or infinite.
        """
        if self._ended:
            raise RuntimeError("task 'crash_maze': the episode is over; call reset first")
        bounds = self.spec.action
        velocity = np.clip(bounds.check(action, "action"), bounds.low, bounds.high).astype(np.float64)
        self._step += 1
        crashed = velocity.any() and self._move(velocity * _STEP_S + self._rng.normal(0.0, self._config.slip_m, 2))
        observation = self._observe()
        if crashed or self._succeeded:
            self._ended = True
            return dm_env.termination(float(self._succeeded), observation)
        self._ended = self._step >= self.spec.horizon
        return dm_env.truncation(0.0, observation) if self._ended else dm_env.transition(0.0, observation)

    def scene(self) -> dict[str, float]:
        """Where the point is: ``x``, ``y``, m."""
        x, y = self._position
        return {"x": float(x), "y": float(y)}

    def joints(self) -> dict[str, float]:
        """A point has none."""
        return {}

    def tip(self) -> FloatArray | None:
        """A point has none."""
        return None

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """The maze from above, whatever the camera is called, uint8 (height, width, 3) RGB.

        Raises:
            RangeError: no pixels.
        """
        if min(height, width) < 1:
            raise RangeError(f"a frame of {height} x {width} pixels; valid: 1 x 1 and more")
        columns = (np.arange(width) + 0.5) * self._size[0] / width
        rows = (np.arange(height) + 0.5) * self._size[1] / height
        walls = np.array([[cell == "#" for cell in row] for row in MAZE])[rows.astype(int)][:, columns.astype(int)]
        frame = np.where(walls[..., None], _COLOURS["wall"], _COLOURS["floor"]).astype(np.uint8)
        for name, (x, y), radius in (("goal", middle(self._goal), _GOAL_RADIUS_M), ("point", self._position, 0.2)):
            frame[(columns - x) ** 2 + (rows[:, None] - y) ** 2 < radius**2] = _COLOURS[name]
        return frame

    def close(self) -> None:
        """There is nothing to free."""

    def _move(self, by: Array) -> bool:
        """Move by float64 (2,), m, until the goal is reached or a wall touched; True: a wall."""
        for _ in range(_SUBSTEPS):
            self._position = self._position + by / _SUBSTEPS
            if is_wall(cell_of(self._position)):
                return True
            self._succeeded = bool(np.linalg.norm(self._position - middle(self._goal)) < _GOAL_RADIUS_M)
            if self._succeeded:
                return False
        return False

    def _observe(self) -> Observation:
        """The position, and waves of it scaled to [-1, 1], with which a small network sees the corridor."""
        scaled = 2.0 * self._position / self._size - 1.0
        waves = [wave(np.pi * k * scaled) for k in _WAVES for wave in (np.sin, np.cos)]
        return {"state": np.concatenate((self._position, *waves)).astype(np.float32)}


def is_wall(cell: Cell) -> bool:
    """The cell is none that a point can be in."""
    row, column = cell
    return not (0 <= row < len(MAZE) and 0 <= column < len(MAZE[0])) or MAZE[row][column] == "#"


def free_cells() -> list[Cell]:
    """All cells that a point can be in, row by row."""
    return [(row, column) for row in range(len(MAZE)) for column in range(len(MAZE[0])) if not is_wall((row, column))]


def goal_cell() -> Cell:
    """The cell in whose middle the goal is."""
    return next((row, column) for row, column in free_cells() if MAZE[row][column] == "G")


def cell_of(position: Array) -> Cell:
    """The cell of float64 (2,), m."""
    return int(np.floor(position[1])), int(np.floor(position[0]))


def middle(cell: Cell) -> Array:
    """Its middle, float64 (2,), m."""
    row, column = cell
    return np.array([column + 0.5, row + 0.5])


def neighbours(cell: Cell) -> list[Cell]:
    """The free cells beside it."""
    row, column = cell
    beside = [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return [other for other in beside if not is_wall(other)]


def distances(to: Cell) -> dict[Cell, int]:
    """Moves from each free cell to one of them."""
    found, queue = {to: 0}, deque([to])
    while queue:
        cell = queue.popleft()
        for other in neighbours(cell):
            if other not in found:
                found[other] = found[cell] + 1
                queue.append(other)
    return found
