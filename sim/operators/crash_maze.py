"""A person who knows the maze: takes over near a wall, and drives where they happen to want to go.

Shows the way to the goal, or wanders from place to place. Where it drives every episode from any start, few of them
reach the goal, and all parts of the way are to be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.interfaces import Glance, Intent
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.sim.tasks.crash_maze import Array, cell_of, distances, free_cells, goal_cell, is_wall, middle, neighbours

_LARGEST = 0.99
"""Commands stay within this share of their bounds."""


@dataclass(frozen=True)
class CrashMazeOperatorConfig:
    """Options of the maze's operator."""

    gain_per_s: float = option(0.5, "proportional gain of the person's control", unit="1/s", low=0.0)
    action_noise: float = option(
        0.5, "standard deviation of the person's action, as a share of its bound", unit="1", low=0.0
    )
    wander: float = option(
        0.6,
        "share of the episodes in which the person goes from place to place instead of to the goal",
        low=0.0,
        high=1.0,
    )
    margin_m: float = option(0.1, "distance to a wall below which the person takes over", unit="m", low=0.0, high=0.5)
    hold_steps: int = option(3, "control steps of a takeover", low=1)


def build(spec: TaskSpec, config: Mapping[str, Any]) -> CrashMazeOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return CrashMazeOperator(spec, from_mapping(CrashMazeOperatorConfig, config, "operator crash_maze"))


class CrashMazeOperator:
    """Behind the protocol :class:`~vlmrl_ros.core.interfaces.Operator`."""

    def __init__(self, spec: TaskSpec, config: CrashMazeOperatorConfig) -> None:
        """Learn the map."""
        self._spec = spec
        self._config = config
        self.options = to_mapping(config)
        self.reset(np.random.default_rng(0), demonstrate=False)

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode on a new errand; all randomness of the episode comes from ``rng``."""
        self._rng = rng
        self._demonstrate = demonstrate
        self._hold = 0
        self._wanders = rng.random() < self._config.wander
        self._set_out()

    def intent(self, glance: Glance) -> Intent:
        """Hold control throughout a demonstration, otherwise near a wall."""
        position = np.array([glance.scene["x"], glance.scene["y"]])
        takeover = self._demonstrate or self._wants_control(position, glance)
        return Intent(takeover, self._drive(position) if takeover else np.zeros(self._spec.action.size, np.float32))

    def _set_out(self) -> None:
        """Choose where to go."""
        cells = free_cells()
        self._aim = cells[int(self._rng.integers(len(cells)))] if self._wanders else goal_cell()
        self._moves = distances(self._aim)

    def _wants_control(self, position: Array, glance: Glance) -> bool:
        if glance.last:
            return False
        if self._hold == 0 and self._near_wall(position):
            self._hold = self._config.hold_steps
        held = self._hold > 0
        self._hold -= held
        return held

    def _near_wall(self, position: Array) -> bool:
        reach = self._config.margin_m
        around = np.array([(x, y) for x in (-reach, 0.0, reach) for y in (-reach, 0.0, reach)])
        return any(is_wall(cell_of(place)) for place in position + around)

    def _drive(self, position: Array) -> FloatArray:
        """Towards the middle of the next cell on the shortest way, unsteadily."""
        bounds, cell = self._spec.action, cell_of(position)
        if self._wanders and cell == self._aim:
            self._set_out()
        nearer = [other for other in neighbours(cell) if self._moves[other] < self._moves.get(cell, 0)]
        error_m = middle(nearer[0] if nearer else cell) - position
        wish = np.clip(self._config.gain_per_s * error_m / bounds.high, -1.0, 1.0)
        wish += self._rng.normal(0.0, self._config.action_noise, bounds.size)
        return (np.clip(wish, -_LARGEST, _LARGEST) * bounds.high).astype(np.float32)
