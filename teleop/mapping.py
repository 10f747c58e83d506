"""From a joystick reading to what the person wants, and exactly back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.arbiter import HumanInput
from vlmrl_ros.core.errors import DeviceError, NonFiniteError
from vlmrl_ros.core.interfaces import Intent, JoyState
from vlmrl_ros.core.spec import FloatArray, VectorSpec
from vlmrl_ros.core.types import Mark
from vlmrl_ros.teleop.profile import Binding, Profile, load_profile

__all__ = ["JoyMapping", "load_profile"]

STANDARD = (
    *(f"{kind}_{axis}" for kind in ("linear", "angular") for axis in "xyz"),
    "gripper",
)
"""Component names with a meaning of their own: bound by name or not at all."""


@dataclass(frozen=True)
class _Bound:
    """An action component that the profile steers."""

    index: int
    name: str
    by: Binding


class JoyMapping:
    """One profile for one task.

    A component is steered by the binding of its name. Components of other names than :data:`STANDARD` (such as
    ``action_0`` of a Gymnasium task) take, in order, the bindings that no name has claimed. What no binding steers is
    zero.

    On the way from the axis to the action: dead zone, scale, rotation about z by ``frame_deg`` (x and y of the
    translation and of the rotation), then full deflection becomes the bound of the component and no deflection zero (or
    the bound nearest to it). An unbounded component has one unit for full deflection.
    """

    def __init__(self, profile: Profile, action: VectorSpec) -> None:
        """Bind the profile to the components of the task.

        Args:
            profile: what the axes and buttons mean.
            action: spec of the action.
        """
        self._profile = profile
        self._options = profile.options
        self._spec = action
        self._bound = _bind(profile, action.names)
        self._groups = _groups(self._bound, radial=self._options.dead_zone_shape == "radial")
        self._planes = _planes(action.names) if self._options.frame_deg else []
        rest = np.clip(0.0, action.low, action.high).astype(float)
        self._rest: list[float] = rest.tolist()
        self._up: list[float] = np.where(np.isfinite(action.high), action.high - rest, 1.0).tolist()
        self._down: list[float] = np.where(np.isfinite(action.low), rest - action.low, 1.0).tolist()

    def read(self, joy: JoyState) -> HumanInput:
        """What the person wants.

        Args:
            joy: one reading.

        Returns:
            takeover, action (float32 (A,), units of the spec), mark (reset before failure before success), e-stop and
            advice.

        Raises:
            DeviceError: the device has fewer axes or buttons than the profile reads; the message names the first.
            NonFiniteError: an axis is NaN or infinite.
        """
        unit, deflection = self._ease(self._raw(joy))
        for bound in self._bound:
            unit[bound.index] *= bound.by.scale
        self._rotate(unit, self._options.frame_deg)
        parts = zip(unit, self._rest, self._up, self._down, strict=True)
        action = [rest + _cut(x) * (up if x >= 0 else down) for x, rest, up, down in parts]
        marks = (
            (Mark.RESET, self._options.reset_button),
            (Mark.FAILURE, self._options.failure_button),
            (Mark.SUCCESS, self._options.success_button),
        )
        return HumanInput(
            takeover=self._takeover(joy, deflection),
            action=np.array(action, np.float32),
            mark=next((mark for mark, button in marks if self._pressed(joy, button, mark.name.lower())), Mark.NONE),
            estop=self._pressed(joy, self._options.estop_button, "estop"),
            advises=self._pressed(joy, self._options.advice_button, "advice"),
        )

    def to_joy(self, intent: Intent, mark: Mark = Mark.NONE, estop: bool = False) -> JoyState:
        """Press the joystick so that :meth:`read` gives this intent: what a scripted operator does.

        The way back is exact up to float32 rounding for every action that the device can give; beyond its reach the
        nearest deflection is taken. Buttons know only full deflection. Where motion is the takeover, no takeover means
        hands off: the action is lost, and a takeover at rest is a deflection within the dead zone.

        Args:
            intent: takeover and action, float32 (A,), units of the spec.
            mark: the mark to press.
            estop: press the e-stop.

        Returns:
            axes and buttons, as many as the profile reads.
        """
        wish = self._spec.check(intent.action, "intended action").tolist()
        away = [value - rest for value, rest in zip(wish, self._rest, strict=True)]
        spans = [up if x >= 0 else down for x, up, down in zip(away, self._up, self._down, strict=True)]
        unit = [x / span if span else 0.0 for x, span in zip(away, spans, strict=True)]
        self._rotate(unit, -self._options.frame_deg)
        for bound in self._bound:
            unit[bound.index] /= bound.by.scale
        hands_off = self._options.takeover_motion > 0 and not intent.takeover
        raw = [0.0] * len(unit) if hands_off else self._stiffen(unit)
        axes, buttons = self._blank()
        for bound in self._bound:
            if not bound.by.by_buttons:
                axes[bound.by.axis] = _cut(raw[bound.index])
            elif abs(raw[bound.index]) > 0.5:
                buttons[bound.by.plus_button if raw[bound.index] > 0 else bound.by.minus_button] = 1
        pressed = {"takeover": intent.takeover, "estop": estop, "success": mark is Mark.SUCCESS}
        pressed |= {"failure": mark is Mark.FAILURE, "reset": mark is Mark.RESET, "advice": intent.advises}
        for use, down in pressed.items():
            if down and getattr(self._options, f"{use}_button") >= 0:
                buttons[getattr(self._options, f"{use}_button")] = 1
        joy = JoyState(axes, buttons)
        return self._touched(joy) if intent.takeover else joy

    def _touched(self, joy: JoyState) -> JoyState:
        """The reading with just enough deflection to take control where motion is the takeover."""
        if not self._options.takeover_motion or self._takeover(joy, self._ease(self._raw(joy))[1]):
            return joy
        first = next((bound.by.axis for bound in self._bound if not bound.by.by_buttons), None)
        if first is not None:
            joy.axes[first] = (self._options.takeover_motion + self._options.dead_zone) / 2
        return joy

    def _raw(self, joy: JoyState) -> list[float]:
        """Deflection of each component as the device gives it."""
        raw, axes = [0.0] * self._spec.size, joy.axes.tolist()
        for bound in self._bound:
            by = bound.by
            if by.by_buttons:
                plus = self._pressed(joy, by.plus_button, bound.name)
                raw[bound.index] = float(plus - self._pressed(joy, by.minus_button, bound.name))
                continue
            if by.axis >= len(axes):
                raise self._too_few("axis", by.axis, bound.name, len(axes))
            if not math.isfinite(axes[by.axis]):
                raise NonFiniteError(f"joystick axis {by.axis} ({bound.name}) is {axes[by.axis]}, which is not finite")
            raw[bound.index] = axes[by.axis]
        return raw

    def _takeover(self, joy: JoyState, deflection: float) -> bool:
        if self._options.takeover_motion:
            return deflection > self._options.takeover_motion
        return self._pressed(joy, self._options.takeover_button, "takeover")

    def _pressed(self, joy: JoyState, button: int, use: str) -> bool:
        if button < 0:
            return False
        if button >= len(joy.buttons):
            raise self._too_few("button", button, use, len(joy.buttons))
        return bool(joy.buttons[button])

    def _too_few(self, kind: str, number: int, use: str, count: int) -> DeviceError:
        kinds = "axes" if kind == "axis" else "buttons"
        return DeviceError(
            f"joystick profile '{self._profile.name}' reads {kind} {number} ({use}), but the device has only {count} "
            f"{kinds}; choose the profile of this device"
        )

    def _ease(self, raw: list[float]) -> tuple[list[float], float]:
        """Apply the dead zone; also the greatest deflection, measured as the dead zone measures it."""
        zone, eased, greatest = self._options.dead_zone, raw.copy(), 0.0
        for group in self._groups:
            size = math.hypot(*(raw[i] for i in group))
            factor = max(size - zone, 0.0) / (1.0 - zone) / size if size else 0.0
            for i in group:
                eased[i] = _cut(raw[i] * factor)
            greatest = max(greatest, size)
        return eased, greatest

    def _stiffen(self, eased: list[float]) -> list[float]:
        """Undo :meth:`_ease`."""
        zone, raw = self._options.dead_zone, eased.copy()
        for group in self._groups:
            size = math.hypot(*(eased[i] for i in group))
            factor = (size * (1.0 - zone) + zone) / size if size else 0.0
            for i in group:
                raw[i] = eased[i] * factor
        return raw

    def _rotate(self, values: list[float], angle_deg: float) -> None:
        """Turn the x and y components about z, in place."""
        cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        for x, y in self._planes:
            values[x], values[y] = cos * values[x] - sin * values[y], sin * values[x] + cos * values[y]

    def _blank(self) -> tuple[FloatArray, npt.NDArray[np.int32]]:
        """A joystick at rest with as many axes and buttons as the profile reads."""
        simple, by = self._options, [bound.by for bound in self._bound]
        buttons = [simple.takeover_button, simple.success_button, simple.failure_button, simple.reset_button]
        buttons += [
            simple.estop_button,
            simple.advice_button,
            *(b.plus_button for b in by),
            *(b.minus_button for b in by),
        ]
        axes = max((b.axis for b in by), default=-1) + 1
        return np.zeros(axes, np.float32), np.zeros(max(buttons) + 1, np.int32)


def _bind(profile: Profile, components: tuple[str, ...]) -> list[_Bound]:
    """Find a binding for each component."""
    if profile.options.assign == "in_order":
        return [_Bound(i, name, Binding(axis=i)) for i, name in enumerate(components)]
    spare = iter([binding for name, binding in profile.axes.items() if name not in components])
    bound = []
    for index, name in enumerate(components):
        by = profile.axes.get(name) or (None if name in STANDARD else next(spare, None))
        if by is not None:
            bound.append(_Bound(index, name, by))
    return bound


def _groups(bound: list[_Bound], radial: bool) -> list[list[int]]:
    """Components that share a dead zone; a button is always alone."""
    groups: dict[str, list[int]] = {}
    for one in bound:
        kind = one.name.partition("_")[0]
        together = radial and not one.by.by_buttons and kind in ("linear", "angular")
        groups.setdefault(kind if together else one.name, []).append(one.index)
    return list(groups.values())


def _planes(components: tuple[str, ...]) -> list[tuple[int, int]]:
    """Index pairs that a rotation about z mixes."""
    pairs = [(f"{kind}_x", f"{kind}_y") for kind in ("linear", "angular")]
    return [(components.index(x), components.index(y)) for x, y in pairs if x in components and y in components]


def _cut(value: float) -> float:
    """Within what a joystick can give."""
    return min(max(value, -1.0), 1.0)
