"""What the filters of Cartesian and of joint motion share: judging, moving, the e-stop, counting, explaining."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.safety.axis import REST, Axis, Motion, Room, clip
from vlmrl_ros.core.spec import FloatArray


class Reason(str, enum.Enum):
    """Why a command was changed."""

    ESTOP = "estop"
    DEAD_MAN = "dead_man"
    SILENT = "silent"
    STALE = "stale"
    DIMENSION = "dimension"
    NON_FINITE = "non_finite"
    TIP_UNKNOWN = "tip_unknown"
    JOINTS_UNKNOWN = "joints_unknown"
    VELOCITY = "velocity"
    ACCELERATION = "acceleration"
    JERK = "jerk"
    WORKSPACE = "workspace"
    POSITION = "position"


@dataclass(frozen=True)
class Applied:
    """What the arm is told to do.

    Attributes:
        action: float32 (A,), units of the command, within every limit.
        reasons: why it differs from the command; empty when it is the command.
    """

    action: FloatArray
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Wall:
    """Limits of the position of one component: its index, lower and upper wall, m or rad."""

    index: int
    low: float
    high: float


class MotionFilter:
    """Keeps velocities within the limits, reports what it changed, and counts by reason.

    A command that cannot be judged (silent, of another size, not finite, no position although there are walls) or is
    rejected counts as zero; the arm then comes to rest within its acceleration and jerk limits. Only the e-stop stops
    at once.

    The limits look ahead, so that they do not contradict each other: the position nears a wall no faster than the other
    limits can stop it, and the velocity nears its goal no faster than the jerk limit can ease it in. Where they still
    do, because the arm is not where its velocities should have taken it, the order is: e-stop, walls, velocity,
    acceleration, jerk.
    """

    _beyond_wall = Reason.WORKSPACE
    _place_unknown = Reason.TIP_UNKNOWN

    def __init__(
        self, names: Sequence[str], unit: Sequence[str], axes: list[Axis], walls: list[Wall], dt_s: float, beyond: str
    ) -> None:
        """Begin at rest.

        Args:
            names: of the components.
            unit: of each component's velocity.
            axes: limits of each component.
            walls: for some of the components, in the order of the positions that come with each command.
            dt_s: length of a control step, s.
            beyond: ``clamp`` or ``reject``.
        """
        self._names, self._units = tuple(names), tuple(unit)
        self._axes, self._walls = axes, walls
        self._dt = dt_s
        self._reject = beyond == "reject"
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
            axis.motion = REST

    def estop(self, reason: str) -> None:
        """Stand still at once and until :meth:`release_estop`.

        Args:
            reason: who asked for it, for the operator.
        """
        self._estop = self._estop or reason

    def release_estop(self) -> None:
        """Lift the e-stop."""
        self._estop = ""

    def still(self) -> Applied:
        """Where nothing is commanded, as at the end of an episode: zeros, which are no changed command."""
        self.restart()
        return Applied(np.zeros(len(self._axes), np.float32), (Reason.ESTOP,) if self._estop else ())

    def explain(self) -> str:
        """The last command that was changed, in words; empty when none was."""
        if self._last is None:
            return ""
        command, applied = self._last
        why = ", ".join(reason.value for reason in applied.reasons)
        cause = f" ({self._estop})" if self._estop else ""
        parts = zip(self._names, applied.action, self._units, strict=True)
        done = ", ".join(f"{name} {value:.4g} {unit}" for name, value, unit in parts)
        return f"{why}{cause}: asked for {command}; applied {done}"

    def _limit(
        self, command: npt.NDArray[Any] | None, position: npt.NDArray[Any] | None, distrust: Reason | None
    ) -> Applied:
        """Make one command safe.

        Args:
            command: float (A,); None when nothing came.
            position: float (W,), where each component with walls is; None when it is not known.
            distrust: why the command counts as zero whatever it says; None where it is to be judged.
        """
        if self._estop:
            self.restart()
            return self._report(command, [Reason.ESTOP])
        reasons = [distrust] if distrust else []
        rooms = self._rooms(position, reasons)
        wanted = self._judge(command, rooms, reasons)
        for index, (axis, goal) in enumerate(zip(self._axes, wanted, strict=True)):
            axis.motion = self._move(axis, goal, rooms.get(index), reasons)
        return self._report(command, reasons)

    def _rooms(self, position: npt.NDArray[Any] | None, reasons: list[Reason]) -> dict[int, Room]:
        """For each axis with walls the way that is left; empty where that is not known."""
        if not self._walls:
            return {}
        if position is None or position.shape != (len(self._walls),) or not np.isfinite(position).all():
            reasons.append(self._place_unknown)
            return {}
        return {
            wall.index: Room(max(at - wall.low, 0.0), max(wall.high - at, 0.0))
            for at, wall in zip(position.tolist(), self._walls, strict=True)
        }

    def _judge(self, command: npt.NDArray[Any] | None, rooms: Mapping[int, Room], reasons: list[Reason]) -> list[float]:
        """The command within the bounds, or zeros where it cannot be trusted or is rejected."""
        zeros = [0.0] * len(self._axes)
        if command is None:
            reasons.append(Reason.SILENT)
        elif command.shape != (len(zeros),):
            reasons.append(Reason.DIMENSION)
        elif not np.isfinite(command).all():
            reasons.append(Reason.NON_FINITE)
        if reasons or command is None:
            return zeros
        wanted: list[float] = command.tolist()
        within = [clip(value, axis.low, axis.high) for axis, value in zip(self._axes, wanted, strict=True)]
        if within != wanted:
            reasons.append(Reason.VELOCITY)
        if self._reject:
            if any(self._axes[i].cut(wanted[i], room, self._dt) != wanted[i] for i, room in rooms.items()):
                reasons.append(self._beyond_wall)
            return zeros if reasons else within
        return within

    def _move(self, axis: Axis, goal: float, room: Room | None, reasons: list[Reason]) -> Motion:
        """The motion of one axis in this step, and why it is not what was asked for."""
        wanted = axis.toward(axis.motion, goal, self._dt)
        if wanted.velocity != goal:
            beyond = abs(goal - axis.motion.velocity) > axis.acceleration * self._dt
            reasons.append(Reason.ACCELERATION if beyond else Reason.JERK)
        kept = wanted if room is None else axis.keep(wanted, room, self._dt)
        if kept is not wanted:
            reasons.append(self._beyond_wall)
        return kept

    def _report(self, command: Any, reasons: list[Reason]) -> Applied:
        action = np.array([axis.motion.velocity for axis in self._axes], np.float32)
        applied = Applied(action, tuple(dict.fromkeys(reasons)))
        if applied.reasons:
            self._counts.update(applied.reasons)
            self._last = (command, applied)
        return applied
