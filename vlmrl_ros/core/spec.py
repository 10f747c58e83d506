"""What a task looks like from outside.

Names, units and bounds of its observation and action, its cameras and its clock.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import NonFiniteError, RangeError, ShapeError
from vlmrl_ros.core.json_text import read_json

FloatArray = npt.NDArray[np.float32]

MAX_TEXT = 1_000_000
"""Longest text of a task spec that is parsed, characters."""
MAX_COMPONENTS = 4096
"""Most components of a named vector."""
MAX_NAME = 128
"""Longest name of a component, a unit or a task, characters."""
MAX_CAMERAS = 16
MAX_SIDE = 8192
"""Most pixels on a side of a frame."""
MAX_FRAME = 32 * 1024 * 1024
"""Most pixels of a frame: what is read later is allocated by these numbers."""
LONGEST_DT_S = 3600.0
MAX_COUNT = 2**53
"""Episodes, steps and versions are counted up to here: as far as a float64 can."""
_CAMERA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, eq=False)
class VectorSpec:
    """A named vector: one name, unit and range for each component.

    Attributes:
        names: component names, unique.
        units: SI unit of each component ("1" where it has none).
        low: float32 (N,), least value; may be -inf.
        high: float32 (N,), greatest value; may be inf.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    low: FloatArray
    high: FloatArray
    _center: FloatArray = field(init=False, repr=False)
    _half: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the lengths and prepare the normalisation.

        Raises:
            ShapeError: the parts differ in length, a name is doubled, or a range is empty.
        """
        low = np.asarray(self.low, np.float32)
        high = np.asarray(self.high, np.float32)
        size = len(self.names)
        if len(self.units) != size or low.shape != (size,) or high.shape != (size,) or len(set(self.names)) != size:
            raise ShapeError(f"a vector spec needs one unique name, unit, low and high each; got names {self.names}")
        if not np.all(low < high):
            raise ShapeError(f"low must be below high for each of {self.names}; got {low} and {high}")
        bounded = np.isfinite(low) & np.isfinite(high)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        low, high = np.where(bounded, low, -1), np.where(bounded, high, 1)
        object.__setattr__(self, "_center", ((low + high) / 2).astype(np.float32))
        object.__setattr__(self, "_half", ((high - low) / 2).astype(np.float32))

    @property
    def size(self) -> int:
        """Number of components."""
        return len(self.names)

    def normalise(self, value: npt.NDArray[Any]) -> FloatArray:
        """Map float (..., N) in SI units to float32 (..., N); bounded components to [-1, 1], others unchanged."""
        return np.asarray((value - self._center) / self._half, np.float32)

    def denormalise(self, value: npt.NDArray[Any]) -> FloatArray:
        """Inverse of :meth:`normalise`; the result is clipped to the bounds."""
        return np.asarray(np.clip(value * self._half + self._center, self.low, self.high), np.float32)

    def check(self, value: npt.NDArray[Any], what: str) -> FloatArray:
        """Return the value as float32 (N,).

        Raises:
            ShapeError: another shape.
            NonFiniteError: a component is NaN or infinite; the message names it.
        """
        with np.errstate(over="ignore"):  # becomes infinite, which is refused
            array = np.asarray(value, np.float32)
        if array.shape != (self.size,):
            raise ShapeError(f"{what} has shape {array.shape}; expected ({self.size},) for {', '.join(self.names)}")
        if not np.isfinite(array).all():
            bad = [name for name, x in zip(self.names, array, strict=True) if not np.isfinite(x)]
            raise NonFiniteError(f"{what} is not finite in {', '.join(bad)}")
        return array


@dataclass(frozen=True)
class CameraSpec:
    """One camera: frames are uint8 (height, width, 3) RGB on ``observation/<name>/image_raw``."""

    name: str
    height: int
    width: int


@dataclass(frozen=True)
class ContextSpec:
    """A number that makes the same task easier or harder: how far the goal is, how fast to run, how much gap there is.

    Attributes:
        name: what it is, for example ``"goal_distance"``.
        unit: SI unit ("1" where it has none).
        trivial: at this value there is nothing to do; no episode has it.
        full: at this value the task is what it is without a curriculum.
        component: component of the observation that holds it; empty where neither reward nor dynamics depend on it.
    """

    name: str
    unit: str
    trivial: float
    full: float
    component: str = ""

    def stages(self, count: int) -> tuple[float, ...]:
        """``count`` values from easy to full, equally far apart."""
        return tuple(self.trivial + (self.full - self.trivial) * (index + 1) / count for index in range(count))

    def check(self, value: float) -> float:
        """Return the value.

        Raises:
            RangeError: it does not lie between trivial (not included) and full.
        """
        share = (value - self.trivial) / (self.full - self.trivial)
        if not 0.0 < share <= 1.0 + 1e-9:
            raise RangeError(
                f"context {self.name} is {value:g} {self.unit}; valid: beyond {self.trivial:g}, up to {self.full:g}"
            )
        return value


@dataclass(frozen=True)
class TaskSpec:
    """Everything that policy, teleop and learner must know of a task; the bridge publishes it (ADR 2).

    Attributes:
        task: name of the task.
        observation: the named vector on ``observation/state``.
        action: the named vector on ``policy/action``, ``command`` and ``executed``.
        cameras: the cameras, in order.
        control_dt_s: length of a control step, s.
        horizon: control steps after which an episode is truncated.
        context: what a curriculum may change; None where there is nothing.
    """

    task: str
    observation: VectorSpec
    action: VectorSpec
    cameras: tuple[CameraSpec, ...]
    control_dt_s: float
    horizon: int
    context: ContextSpec | None = None

    def to_json(self) -> str:
        """The spec as JSON text; infinite bounds become null."""
        cameras = [{"name": c.name, "height": c.height, "width": c.width} for c in self.cameras]
        plain = {
            "task": self.task,
            "observation": _vector_to_plain(self.observation),
            "action": _vector_to_plain(self.action),
            "cameras": cameras,
            "control_dt_s": self.control_dt_s,
            "horizon": self.horizon,
        }
        if self.context is not None:
            plain["context"] = asdict(self.context)
        return json.dumps(plain, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> TaskSpec:
        """Read what :meth:`to_json` wrote. Sizes are bounded, because others allocate by them.

        Raises:
            ShapeError: the text is not a task spec.
            RangeError: a size, a name or a time that no task has.
        """
        spec = read_json(text, "a task spec", MAX_TEXT, TaskSpec._of_plain)
        _check_sizes(spec)
        return spec

    @staticmethod
    def _of_plain(plain: Any) -> TaskSpec:
        return TaskSpec(
            task=str(plain["task"]),
            observation=_vector_from_plain(plain["observation"]),
            action=_vector_from_plain(plain["action"]),
            cameras=tuple(CameraSpec(str(c["name"]), int(c["height"]), int(c["width"])) for c in plain["cameras"]),
            control_dt_s=float(plain["control_dt_s"]),
            horizon=int(plain["horizon"]),
            context=_context_from_plain(plain.get("context")),
        )


def _check_sizes(spec: TaskSpec) -> None:
    """Refuse what no task has."""
    vectors = (spec.observation, spec.action)
    names = [spec.task, *(text for vector in vectors for text in (*vector.names, *vector.units))]
    if max(vector.size for vector in vectors) > MAX_COMPONENTS or max(map(len, names)) > MAX_NAME:
        raise RangeError(f"a vector has {MAX_COMPONENTS} components at most, a name {MAX_NAME} characters")
    if len(spec.cameras) > MAX_CAMERAS or len({camera.name for camera in spec.cameras}) < len(spec.cameras):
        raise RangeError(f"{len(spec.cameras)} cameras; a task has {MAX_CAMERAS} at most, each of another name")
    for camera in spec.cameras:
        sides = (camera.height, camera.width)
        if min(sides) < 1 or max(sides) > MAX_SIDE or camera.height * camera.width > MAX_FRAME:
            raise RangeError(f"camera of {sides[0]} x {sides[1]} pixels; valid: 1 to {MAX_SIDE}, {MAX_FRAME} in all")
        if not _CAMERA_NAME.fullmatch(camera.name):
            raise RangeError(f"camera '{camera.name[:MAX_NAME]}'; valid: a letter, then letters, digits and _")
    if not 0.0 < spec.control_dt_s <= LONGEST_DT_S or not math.isfinite(spec.control_dt_s):
        raise RangeError(f"a control step of {spec.control_dt_s:g} s; valid: above 0, up to {LONGEST_DT_S:g}")
    if not 1 <= spec.horizon <= MAX_COUNT:
        raise RangeError(f"a horizon of {spec.horizon} steps; valid: 1 to {MAX_COUNT}")
    if spec.context is not None:
        _check_context(spec.context, spec.observation.names)


def _check_context(context: ContextSpec, components: tuple[str, ...]) -> None:
    """Refuse a context that no episode can have."""
    texts = (context.name, context.unit, context.component)
    if max(map(len, texts)) > MAX_NAME or context.component not in ("", *components):
        raise RangeError(
            f"context component '{context.component[:MAX_NAME]}'; valid: none, or a component of the observation"
        )
    if not (math.isfinite(context.trivial) and math.isfinite(context.full)) or context.trivial == context.full:
        raise RangeError(f"a context from {context.trivial:g} to {context.full:g}; valid: two finite, unequal numbers")


def _context_from_plain(plain: Mapping[str, Any] | None) -> ContextSpec | None:
    if plain is None:
        return None
    name, unit, component = (str(plain[key]) for key in ("name", "unit", "component"))
    return ContextSpec(name, unit, float(plain["trivial"]), float(plain["full"]), component)


def _vector_to_plain(spec: VectorSpec) -> dict[str, Any]:
    def bounds(values: FloatArray) -> list[float | None]:
        return [float(x) if np.isfinite(x) else None for x in values]

    return {"names": spec.names, "units": spec.units, "low": bounds(spec.low), "high": bounds(spec.high)}


def _vector_from_plain(plain: Mapping[str, Any]) -> VectorSpec:
    low = np.array([-np.inf if x is None else x for x in plain["low"]], np.float32)
    high = np.array([np.inf if x is None else x for x in plain["high"]], np.float32)
    return VectorSpec(tuple(map(str, plain["names"])), tuple(map(str, plain["units"])), low, high)
