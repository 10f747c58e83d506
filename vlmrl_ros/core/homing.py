"""Scripted homing: lift the tip, bring it home, let the workpiece be changed, go over the start, go down. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.arm_sections import HomeConfig, ResetConfig
from vlmrl_ros.core.rotations import difference
from vlmrl_ros.core.spec import FloatArray, VectorSpec
from vlmrl_ros.core.streams import stream

Array = npt.NDArray[np.float64]

_TURN_RATE_RAD_S = 0.5
_TURNED_RAD = 0.02
_NEAR = 5
"""On the way the tip is near within so many tolerances."""


class Stage(enum.Enum):
    """Where homing has got to, in order."""

    LIFT = "lift"
    HOME = "home"
    SERVICE = "service"
    OVER_START = "over the start"
    DOWN = "down"
    DONE = "done"


@dataclass(frozen=True)
class Place:
    """Where the tip is, float64 (3,), m, and (4,), x y z w; what the start lies around, float64 (3,), m, or None."""

    tip: Array
    quaternion: Array
    around: Array | None


class Homing:
    """Proposes a velocity at each tick; the safety filter and the output carry it out as they do any command.

    On the way it is enough to come near; the last stage ends when the tip has been within the tolerance at two ticks in
    a row, so that it has come to rest. The way leads by home only where something is to be done there: where a service
    is to be called, or where the start lies around home.
    """

    def __init__(self, reset: ResetConfig, home: HomeConfig, action: VectorSpec, dt_s: float, seed: int) -> None:
        """Take the procedure.

        Args:
            reset: heights, box of the start, speed, tolerance.
            home: where to go first.
            action: spec of the velocity to propose.
            dt_s: length of a tick, s.
            seed: the start of episode n is drawn from (seed, n).
        """
        self._reset, self._home, self._seed = reset, home, seed
        self._index = {name: i for i, name in enumerate(action.names)}
        self._bounds = action
        self._dt = dt_s
        self._gain = min(4.0, 0.5 / dt_s)
        self.begin(0)

    @property
    def stage(self) -> Stage:
        """Where homing has got to."""
        return self._stage

    @property
    def elapsed_s(self) -> float:
        """Time in motion since it began, s."""
        return self._ticks * self._dt

    def begin(self, episode: int) -> None:
        """Start from wherever the arm is; the start of the episode is drawn."""
        box = np.array(self._reset.start_low), np.array(self._reset.start_high)
        self._beside = stream(self._seed, "start", episode).uniform(*box)
        self._stage = Stage.LIFT
        self._lifted: Array | None = None
        self._start: Array | None = None
        self._arrived = self._ticks = 0

    def served(self) -> None:
        """The service has answered, or there is none: the workpiece lies where it will lie."""
        if self._stage is Stage.SERVICE:
            self._stage = Stage.OVER_START

    def propose(self, place: Place) -> FloatArray:
        """The velocity for the next tick, float32 (A,), zeros while the service is awaited and when it is done."""
        if self._lifted is None:
            self._lifted = np.append(place.tip[:2], max(place.tip[2], self._reset.lift_z_m))
        self._ticks += self._stage not in (Stage.SERVICE, Stage.DONE)
        target = self._target(place)
        if target is None:
            return np.zeros(self._bounds.size, np.float32)
        velocity = self._velocity(target - place.tip, self._turn(place))
        if self._is_there(target, place):
            self._next_stage()
        return velocity

    def _target(self, place: Place) -> Array | None:
        assert self._lifted is not None
        if self._stage is Stage.LIFT:
            return self._lifted
        if self._stage is Stage.HOME:
            by_home = self._home.position and (self._reset.service or not self._reset.around)
            return np.array(self._home.position) if by_home else self._lifted
        if self._stage not in (Stage.OVER_START, Stage.DOWN):
            return None
        if self._start is None:
            middle = place.around if self._reset.around else np.array(self._home.position)
            if middle is None:
                return None
            self._start = middle + self._beside
        over = np.append(self._start[:2], max(self._reset.lift_z_m, self._start[2]))
        return over if self._stage is Stage.OVER_START else self._start

    def _turn(self, place: Place) -> Array:
        if not self._home.orientation or "angular_x" not in self._index:
            return np.zeros(3)
        return difference(np.array(self._home.orientation), place.quaternion)

    def _velocity(self, error: Array, turn: Array) -> FloatArray:
        speed = self._reset.speed_m_s
        linear = np.clip(self._gain * error, -speed, speed)
        angular = np.clip(self._gain * turn, -_TURN_RATE_RAD_S, _TURN_RATE_RAD_S)
        velocity = np.zeros(self._bounds.size, np.float32)
        for kind, values in (("linear", linear), ("angular", angular)):
            for axis, value in zip("xyz", values, strict=True):
                if f"{kind}_{axis}" in self._index:
                    velocity[self._index[f"{kind}_{axis}"]] = value
        if "gripper" in self._index:
            velocity[self._index["gripper"]] = {"hold": 0.0, "open": 1.0, "close": -1.0}[self._reset.gripper]
        return np.clip(velocity, self._bounds.low, self._bounds.high)

    def _is_there(self, target: Array, place: Place) -> bool:
        away_m = float(np.abs(target - place.tip).max())
        if self._stage is not Stage.DOWN:
            return away_m < _NEAR * self._reset.tolerance_m
        at_rest = away_m < self._reset.tolerance_m and float(np.abs(self._turn(place)).max()) < _TURNED_RAD
        self._arrived = self._arrived + 1 if at_rest else 0
        return self._arrived >= 2

    def _next_stage(self) -> None:
        stages = list(Stage)
        self._stage = stages[stages.index(self._stage) + 1]
