"""One component of a motion: its limits, and the velocity that comes nearest to a goal within them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

SLACK = 1e-6
"""Rounding that a way to a wall may bring with it, m or rad: an axis comes to rest so far before the wall, and brakes
within its jerk limit as long as it does not pass the wall by more."""

_BISECTIONS = 8
_LONGEST_STOP = 1000
"""Steps; a stop that takes longer counts as too long."""


class Motion(NamedTuple):
    """Velocity, in the axis' unit per s, and its change, per s^2."""

    velocity: float
    slope: float


REST = Motion(0.0, 0.0)


class Room(NamedTuple):
    """Way that is left, not negative: down to the lower wall and up to the upper one, in the axis' unit."""

    down: float
    up: float


@dataclass
class Axis:
    """One component: its limits, in its unit, per s, s^2 and s^3, and its present motion."""

    low: float
    high: float
    acceleration: float
    jerk: float
    motion: Motion = REST

    @property
    def shaped(self) -> bool:
        """There is a limit on how fast the velocity may change."""
        return self.acceleration < math.inf or self.jerk < math.inf

    def toward(self, motion: Motion, goal: float, dt_s: float) -> Motion:
        """The velocity nearest to the goal, and not past it, that the acceleration and jerk limits allow."""
        if not self.shaped:
            return Motion(goal, 0.0)
        gap = goal - motion.velocity
        slope = clip(gap / dt_s, -self.acceleration, self.acceleration)
        if self.jerk < math.inf:
            ease, step = brakeable(abs(gap), self.jerk, dt_s), self.jerk * dt_s
            slope = clip(clip(slope, -ease, ease), motion.slope - step, motion.slope + step)
        reached = clip(motion.velocity + slope * dt_s, self.low, self.high)
        return Motion(goal if math.isclose(reached, goal, rel_tol=1e-12, abs_tol=1e-12) else reached, slope)

    def cut(self, velocity: float, room: Room, dt_s: float) -> float:
        """The velocity, cut so that the acceleration limit can still stop the axis before a wall."""
        down, up = (brakeable(way, self.acceleration, dt_s) for way in room)
        return clip(velocity, -down, up)

    def keep(self, wanted: Motion, room: Room, dt_s: float) -> Motion:
        """The motion nearest to a wanted one, which is within all other limits, that still can stop before the walls.

        Without a jerk limit this is :meth:`cut`. With one, a motion is allowed if the stop that follows it within all
        limits ends before the wall. The stop from an allowed motion consists of allowed motions; so there always is a
        way on, unless the axis is not where its velocities should have taken it. Then the wall comes first.
        """
        if self.jerk == math.inf:
            kept = self.cut(wanted.velocity, room, dt_s)
            return wanted if kept == wanted.velocity else Motion(kept, 0.0)
        inside = Room(max(room.down - SLACK, 0.0), max(room.up - SLACK, 0.0))
        if self._stops_within(wanted, inside, dt_s):
            return wanted
        safe = self.toward(self.motion, 0.0, dt_s)
        if not self._stops_within(safe, Room(room.down + SLACK, room.up + SLACK), dt_s):
            return Motion(self.cut(safe.velocity, room, dt_s), 0.0)
        for _ in range(_BISECTIONS):
            middle = Motion((safe.velocity + wanted.velocity) / 2, (safe.slope + wanted.slope) / 2)
            if self._stops_within(middle, inside, dt_s):
                safe = middle
            else:
                wanted = middle
        return safe

    def _stops_within(self, motion: Motion, room: Room, dt_s: float) -> bool:
        """One step of a motion and the stop after it stay within the room."""
        if self._is_far(motion, room, dt_s):
            return True
        way = 0.0
        for _ in range(_LONGEST_STOP):
            way += motion.velocity * dt_s
            if not -room.down <= way <= room.up:
                return False
            if motion == REST:
                return True
            motion = self.toward(motion, 0.0, dt_s)
        return False

    def _is_far(self, motion: Motion, room: Room, dt_s: float) -> bool:
        """A bound that costs little: the walls are farther away than twice the way of any stop."""
        pull = abs(motion.slope)
        top = abs(motion.velocity) + pull * (pull / (2 * self.jerk) + dt_s)
        if top == 0.0:
            return True
        brake = min(self.acceleration, math.sqrt(top) * math.sqrt(self.jerk))
        return top * (pull / self.jerk + top / brake + brake / self.jerk + 4 * dt_s) < min(room)


def clip(value: float, low: float, high: float) -> float:
    """The value within its limits; faster than numpy on a number."""
    return low if value < low else high if value > high else value


def brakeable(room: float, rate: float, dt_s: float) -> float:
    """The greatest speed that may be held for one step and then be braked to rest within ``room``.

    Speed v, v - r dt, v - 2 r dt, ... for one step each covers r dt^2 (n + 1)(n / 2 + f), where v = (n + f) r dt with n
    whole and 0 <= f < 1; solved for n and then f. Where one step is enough (n = 0), v is room / dt.

    Args:
        room: way that is left, not negative; may be infinite.
        rate: greatest deceleration; may be infinite.
        dt_s: length of a step, s.
    """
    units = room / (rate * dt_s * dt_s)
    if not math.isfinite(8.0 * units):
        return math.inf
    whole = math.floor((math.sqrt(1.0 + 8.0 * units) - 1.0) / 2.0)
    return (units / (whole + 1) + whole / 2) * rate * dt_s if whole else room / dt_s
