"""The last word before the arm: limits on every command, whoever gave it. Pure; bridges apply it last."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import FloatArray, VectorSpec

TRANSLATION = ("linear_x", "linear_y", "linear_z")
"""Components that the workspace box needs, in the order of the tip position."""


class Reason(str, enum.Enum):
    """Why a command was changed."""

    ESTOP = "estop"
    SILENT = "silent"
    STALE = "stale"
    DIMENSION = "dimension"
    NON_FINITE = "non_finite"
    TIP_UNKNOWN = "tip_unknown"
    VELOCITY = "velocity"
    ACCELERATION = "acceleration"
    JERK = "jerk"
    WORKSPACE = "workspace"


@dataclass(frozen=True)
class SafetyConfig:
    """Limits of an arm. The defaults change nothing that stays within the bounds of the action.

    A list of limits has one number for each action component, or one number for all; empty means no limit beyond the
    bounds of the action.
    """

    beyond: str = option(
        "clamp",
        "What becomes of a command beyond the velocity limit or out of the workspace: clamp it, or reject it (stop).",
        choices=("clamp", "reject"),
    )
    velocity: tuple[float, ...] = option((), "Greatest speed of each component.", unit="m/s, rad/s", low=0.0)
    acceleration: tuple[float, ...] = option((), "Greatest change of speed.", unit="m/s^2, rad/s^2", low=1e-6)
    jerk: tuple[float, ...] = option((), "Greatest change of acceleration.", unit="m/s^3, rad/s^3", low=1e-6)
    workspace_low: tuple[float, ...] = option((), "Lower corner of the tip's box, x y z in base_link.", unit="m")
    workspace_high: tuple[float, ...] = option((), "Upper corner of the tip's box, x y z in base_link.", unit="m")
    command_timeout_s: float = option(0.25, "An older command is not carried out.", unit="s", low=0.0, high=10.0)


@dataclass(frozen=True)
class Applied:
    """What the arm is told to do.

    Attributes:
        action: float32 (A,), units of ``TaskSpec.action``, within every limit.
        reasons: why it differs from the command; empty when it is the command.
    """

    action: FloatArray
    reasons: tuple[Reason, ...] = ()


class SafetyFilter:
    """Keeps commands within the limits, reports what it changed, and counts by reason.

    The action is a velocity. A command that cannot be judged (silent, stale, of another size, not finite, no tip
    position although there is a box) or is rejected counts as zero; the arm then comes to rest within its acceleration
    and jerk limits. Only the e-stop stops at once.

    The limits look ahead, so that they do not contradict each other: the tip nears a wall of the box no faster than the
    acceleration limit can stop it, and the velocity nears its goal no faster than the jerk limit can ease it in. Where
    they still do, because the arm did not follow or because a jerk limit brakes too late for the box, the order is:
    e-stop, box, velocity, acceleration, jerk.
    """

    def __init__(self, action: VectorSpec, dt_s: float, config: SafetyConfig | None = None) -> None:
        """Check the limits against the task.

        Args:
            action: spec of the command; zero is allowed whatever its bounds say.
            dt_s: length of a control step, s.
            config: the limits.

        Raises:
            ConfigError: a list of the wrong length, an empty box, or a box although the action has no translation.
        """
        self._config = config or SafetyConfig()
        self._spec, self._dt = action, dt_s
        speed, acceleration, jerk = (
            _one_each(name, getattr(self._config, name), action.names) for name in ("velocity", "acceleration", "jerk")
        )
        high = np.maximum(np.minimum(action.high, speed), 0.0).tolist()
        low = np.minimum(np.maximum(action.low, np.negative(speed)), 0.0).tolist()
        self._axes = [_Axis(*limits) for limits in zip(low, high, acceleration, jerk, strict=True)]
        self._shaped = bool(self._config.acceleration or self._config.jerk)
        self._walls = _walls(self._config, action.names)
        self._estop = ""
        self._counts: Counter[Reason] = Counter()
        self._last: tuple[Any, Applied] | None = None

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How many commands were changed, by reason, since construction."""
        return self._counts

    @property
    def estopped(self) -> bool:
        """The e-stop is latched."""
        return bool(self._estop)

    def restart(self) -> None:
        """The arm is at rest: call at the start of an episode. The e-stop and the counts stay."""
        for axis in self._axes:
            axis.velocity = axis.slope = 0.0

    def estop(self, reason: str) -> None:
        """Stand still at once and until :meth:`release_estop`.

        Args:
            reason: who asked for it, for the operator.
        """
        self._estop = self._estop or reason

    def release_estop(self) -> None:
        """Lift the e-stop."""
        self._estop = ""

    def apply(
        self, command: npt.NDArray[Any] | None, age_s: float = 0.0, tip: npt.NDArray[Any] | None = None
    ) -> Applied:
        """Make one command safe.

        Args:
            command: float (A,) in the units of the spec; None when nothing came.
            age_s: how old the command is, s.
            tip: position of the tip, float (3,), m, in base_link; None when the task does not know it.

        Returns:
            what to carry out, and why it differs from the command.
        """
        if self._estop:
            self.restart()
            return self._report(command, [Reason.ESTOP])
        reasons: list[Reason] = []
        place = self._locate(tip, reasons)
        wanted = self._judge(command, age_s, place, reasons)
        for axis, goal in zip(self._axes, wanted, strict=True):
            axis.velocity = axis.follow(goal, self._dt, reasons) if self._shaped else goal
        for index, position, low, high in place:
            self._axes[index].stay(position, low, high, self._dt, reasons)
        return self._report(command, reasons)

    def explain(self) -> str:
        """The last command that was changed, in words; empty when none was."""
        if self._last is None:
            return ""
        command, applied = self._last
        why = ", ".join(reason.value for reason in applied.reasons)
        cause = f" ({self._estop})" if self._estop else ""
        parts = zip(self._spec.names, applied.action, self._spec.units, strict=True)
        done = ", ".join(f"{name} {value:.4g} {unit}" for name, value, unit in parts)
        return f"{why}{cause}: asked for {command}; applied {done}"

    def _locate(self, tip: npt.NDArray[Any] | None, reasons: list[Reason]) -> list[tuple[int, float, float, float]]:
        """For each axis with walls: its index, the tip's coordinate, the lower and the upper wall (m)."""
        if not self._walls:
            return []
        if tip is None or tip.shape != (len(self._walls),) or not np.isfinite(tip).all():
            reasons.append(Reason.TIP_UNKNOWN)
            return []
        return [(index, at, low, high) for at, (index, low, high) in zip(tip.tolist(), self._walls, strict=True)]

    def _judge(
        self,
        command: npt.NDArray[Any] | None,
        age_s: float,
        place: list[tuple[int, float, float, float]],
        reasons: list[Reason],
    ) -> list[float]:
        """The command within the bounds, or zeros where it cannot be trusted or is rejected."""
        zeros = [0.0] * len(self._axes)
        if command is None:
            reasons.append(Reason.SILENT)
        elif not age_s <= self._config.command_timeout_s:
            reasons.append(Reason.STALE)
        elif command.shape != (len(zeros),):
            reasons.append(Reason.DIMENSION)
        elif not np.isfinite(command).all():
            reasons.append(Reason.NON_FINITE)
        if reasons or command is None:
            return zeros
        wanted: list[float] = command.tolist()
        within = [_clip(value, axis.low, axis.high) for axis, value in zip(self._axes, wanted, strict=True)]
        if within != wanted:
            reasons.append(Reason.VELOCITY)
        if self._config.beyond == "reject":
            for index, position, low, high in place:
                if self._axes[index].between(wanted[index], position, low, high, self._dt) != wanted[index]:
                    reasons.append(Reason.WORKSPACE)
            return zeros if reasons else within
        return within

    def _report(self, command: Any, reasons: list[Reason]) -> Applied:
        action = np.array([axis.velocity for axis in self._axes], np.float32)
        applied = Applied(action, tuple(dict.fromkeys(reasons)))
        if applied.reasons:
            self._counts.update(applied.reasons)
            self._last = (command, applied)
        return applied


@dataclass
class _Axis:
    """One component: limits and motion, in its unit, per s and per s^2."""

    low: float
    high: float
    acceleration: float
    jerk: float
    velocity: float = 0.0
    slope: float = 0.0

    def follow(self, goal: float, dt_s: float, reasons: list[Reason]) -> float:
        """The velocity nearest to the goal, and not past it, that the acceleration and jerk limits allow."""
        gap = goal - self.velocity
        slope = gap / dt_s
        if abs(slope) > self.acceleration:
            slope = math.copysign(self.acceleration, slope)
            reasons.append(Reason.ACCELERATION)
        if self.jerk < math.inf:
            ease, step = _brakeable(abs(gap), self.jerk, dt_s), self.jerk * dt_s
            smooth = _clip(_clip(slope, -ease, ease), self.slope - step, self.slope + step)
            if smooth != slope:
                slope = smooth
                reasons.append(Reason.JERK)
        self.slope = slope
        reached = _clip(self.velocity + slope * dt_s, self.low, self.high)
        return goal if math.isclose(reached, goal, rel_tol=1e-12, abs_tol=1e-12) else reached

    def between(self, velocity: float, position: float, low: float, high: float, dt_s: float) -> float:
        """The velocity, cut so that the axis can still stop before a wall; beyond a wall only the way back is open."""
        down = _brakeable(max(position - low, 0.0), self.acceleration, dt_s)
        up = _brakeable(max(high - position, 0.0), self.acceleration, dt_s)
        return _clip(velocity, -down, up)

    def stay(self, position: float, low: float, high: float, dt_s: float, reasons: list[Reason]) -> None:
        """Keep the present velocity between the walls."""
        kept = self.between(self.velocity, position, low, high, dt_s)
        if kept != self.velocity:
            self.velocity, self.slope = kept, 0.0
            reasons.append(Reason.WORKSPACE)


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


def _brakeable(room: float, rate: float, dt_s: float) -> float:
    """The greatest speed that may be held for one step and then be braked to rest within ``room``.

    Speed v, v - r dt, v - 2 r dt, ... for one step each covers r dt^2 (n + 1)(n / 2 + f), where v = (n + f) r dt with n
    whole and 0 <= f < 1; solved for n and then f. Where one step is enough (n = 0), v is room / dt.

    Args:
        room: way that is left, not negative.
        rate: greatest deceleration; may be infinite.
        dt_s: length of a step, s.
    """
    units = room / (rate * dt_s * dt_s)
    whole = math.floor((math.sqrt(1.0 + 8.0 * units) - 1.0) / 2.0)
    return (units / (whole + 1) + whole / 2) * rate * dt_s if whole else room / dt_s


def _one_each(name: str, values: Sequence[float], components: tuple[str, ...]) -> list[float]:
    """One limit for each component; infinite where there is none."""
    if len(values) not in (0, 1, len(components)):
        raise ConfigError(f"{name} has {len(values)} numbers; valid: none, one, or one for each of {components}")
    return list(values) if len(values) == len(components) else [values[0] if values else math.inf] * len(components)


def _walls(config: SafetyConfig, components: tuple[str, ...]) -> list[tuple[int, float, float]]:
    """For x, y, z: index of the component, lower and upper wall (m); empty without a box."""
    low, high = config.workspace_low, config.workspace_high
    if not low and not high:
        return []
    if len(low) != 3 or len(high) != 3 or not all(a < b for a, b in zip(low, high, strict=True)):
        raise ConfigError(f"workspace_low {low} and workspace_high {high}; valid: x y z each, with low below high")
    missing = [name for name in TRANSLATION if name not in components]
    if missing:
        raise ConfigError(f"a workspace box needs the actions {missing}; the task has {components}")
    return [(components.index(name), a, b) for name, a, b in zip(TRANSLATION, low, high, strict=True)]
