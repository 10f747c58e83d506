"""Words for whole motions over a table: pick something up at a place, put it down at one.

They are driven by what the arm feels of itself, so that they work wherever the state has it, in simulation or not.
Whether there is something to pick at a place is for whoever names the place to see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.vocabulary import Drive

ROWS_M = {"near": 0.42, "mid": 0.52, "far": 0.62}
"""Distance of a row of places from the robot, x in the base frame, m."""
COLUMNS_M = {"left": 0.11, "centre": 0.0, "right": -0.11}
"""Of a column, as the robot sees it: y in the base frame, m."""
PLACES = {f"{row} {column}": (x, y) for row, x in ROWS_M.items() for column, y in COLUMNS_M.items()}
"""Middles of the places on the table by name, m."""

FELT = ("tip_x", "tip_y", "tip_z")
DRIVEN = ("linear_x", "linear_y", "linear_z", "gripper")

TRAVEL_Z_M = 0.11
REST_M = (0.42, 0.0, 0.12)
"""Where every skill ends: from there the arm hides no place from a camera in front of it."""
GRASP_Z_M = 0.02
RELEASE_Z_M = 0.024
GRIP_S = 0.5
_GAIN_PER_S = 7.0
_THERE_M = 0.006
_LONGEST_S = 6.0

_OPEN, _HOLD, _CLOSE = 1.0, 0.0, -1.0
_ANYWHERE = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class _Phase:
    """Drive the tip to a position, NaN where it may stay, or for a time; the gripper has an action meanwhile."""

    target: tuple[float, float, float]
    gripper: float
    duration_s: float = 0.0
    """0: until it is there."""


@dataclass(frozen=True)
class Skill:
    """A motion in phases.

    Attributes:
        spec: of the task, with :data:`FELT` in the state and :data:`DRIVEN` in the action.
        phases: one after the other.
    """

    spec: TaskSpec
    phases: tuple[_Phase, ...]

    def begin(self) -> Drive:
        """Begin with the first phase."""
        return _Carry(self)


class _Carry:
    """A skill under way."""

    def __init__(self, skill: Skill) -> None:
        self._spec = skill.spec
        self._felt = [skill.spec.observation.names.index(name) for name in FELT]
        self._driven = [skill.spec.action.names.index(name) for name in DRIVEN]
        self._left = list(reversed(skill.phases))
        self._spent_s = 0.0

    def __call__(self, state: FloatArray) -> FloatArray | None:
        while self._left:
            phase = self._left[-1]
            error = np.nan_to_num(np.array(phase.target) - state[self._felt])
            if self._goes_on(phase, float(np.abs(error).max())):
                self._spent_s += self._spec.control_dt_s
                return self._action(error, phase.gripper)
            self._left.pop()
            self._spent_s = 0.0
        return None

    def _goes_on(self, phase: _Phase, away_m: float) -> bool:
        """Also a phase that never gets there ends, as when the arm is blocked."""
        if phase.duration_s:
            return self._spent_s < phase.duration_s - 1e-6
        return away_m > _THERE_M and self._spent_s < _LONGEST_S

    def _action(self, error_m: FloatArray, gripper: float) -> FloatArray:
        bounds = self._spec.action
        action = np.zeros(bounds.size, np.float32)
        action[self._driven] = [*(_GAIN_PER_S * error_m), gripper]
        return np.asarray(np.clip(action, bounds.low, bounds.high), np.float32)


def skills(spec: TaskSpec) -> dict[str, Skill]:
    """``pick <place>`` and ``place <place>`` for each of :data:`PLACES`.

    Raises:
        ConfigError: the state or the action lacks what they need.
    """
    missing = [name for name in FELT if name not in spec.observation.names]
    missing += [name for name in DRIVEN if name not in spec.action.names]
    if missing:
        raise ConfigError(f"skills need {', '.join((*FELT, *DRIVEN))}; task '{spec.task}' lacks {', '.join(missing)}")
    picks = {f"pick {name}": _skill(spec, place, _OPEN, GRASP_Z_M, _CLOSE) for name, place in PLACES.items()}
    return picks | {f"place {name}": _skill(spec, place, _HOLD, RELEASE_Z_M, _OPEN) for name, place in PLACES.items()}


def _skill(spec: TaskSpec, place: tuple[float, float], coming: float, down_to_m: float, grip: float) -> Skill:
    """Come over a place with the gripper so, go down, close or open it, and go back to rest."""
    phases = (
        _rise(coming),
        _Phase((*place, TRAVEL_Z_M), coming),
        _Phase((*place, down_to_m), _HOLD),
        _Phase(_ANYWHERE, grip, GRIP_S),
        _rise(_HOLD),
        _Phase(REST_M, _HOLD),
    )
    return Skill(spec, phases)


def _rise(gripper: float) -> _Phase:
    return _Phase((math.nan, math.nan, TRAVEL_Z_M), gripper)
