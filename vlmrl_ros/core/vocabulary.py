"""What the words of a robot mean: motions, carried out control step by control step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import FloatArray, TaskSpec

Drive = Callable[[FloatArray], FloatArray | None]
"""From the state, float32 (N,) as in the spec, to the next action, float32 (A,); None once the motion is over."""

DIRECTIONS = {"linear_x": ("forward", "back"), "linear_y": ("left", "right"), "linear_z": ("up", "down")}
"""Words for the positive and the negative sense of each velocity of the tip, in the base frame."""


class Motion(Protocol):
    """What a word means. May be begun any number of times."""

    def begin(self) -> Drive:
        """Begin; what is returned is asked once at each control step."""


Vocabulary = Mapping[str, Motion]
"""Word or words to what they mean."""


@dataclass(frozen=True, eq=False)
class Move:
    """One action, held.

    Attributes:
        action: float32 (A,), units of the spec.
        steps: control steps, 1 or more.
    """

    action: FloatArray
    steps: int

    def begin(self) -> Drive:
        """Hold the action for so many steps, whatever the state is."""
        left = iter(range(self.steps))
        return lambda _: None if next(left, None) is None else self.action


@dataclass(frozen=True)
class MovesConfig:
    """How far a word goes."""

    coarse_mm: float = option(40.0, "way of the tip at 'move left'", unit="mm", low=1.0, high=300.0)
    fine_mm: float = option(10.0, "way of the tip at 'move left a little'", unit="mm", low=0.1, high=300.0)
    grip_s: float = option(0.5, "how long the gripper opens or closes", unit="s", low=0.05, high=10.0)


def moves(spec: TaskSpec, config: MovesConfig | None = None) -> dict[str, Move]:
    """Words for every direction in which a task's action drives the tip, for its gripper, and ``wait``.

    Args:
        spec: of the task; components ``linear_x``, ``linear_y``, ``linear_z`` in m/s, ``gripper`` as a share of speed.
        config: distances.

    Raises:
        ConfigError: the action has none of these components.
    """
    config = config or MovesConfig()
    words: dict[str, Move] = {}
    for index, name in enumerate(spec.action.names):
        if name in DIRECTIONS:
            for word, sign in zip(DIRECTIONS[name], (1, -1), strict=True):
                for size, way_mm in (("", config.coarse_mm), (" a little", config.fine_mm)):
                    words[f"move {word}{size}"] = _way(spec, index, sign * way_mm / 1000)
        elif name == "gripper":
            for word, bound in (("open gripper", spec.action.high), ("close gripper", spec.action.low)):
                words[word] = _held(spec, index, float(bound[index]), config.grip_s)
    if not words:
        known = ", ".join((*DIRECTIONS, "gripper"))
        raise ConfigError(f"task '{spec.task}' has the actions {', '.join(spec.action.names)}; words exist for {known}")
    return words | {"wait": _held(spec, 0, 0.0, spec.control_dt_s)}


def _way(spec: TaskSpec, index: int, way_m: float) -> Move:
    """As fast as may be, in whole steps."""
    fastest = float((spec.action.high if way_m > 0 else -spec.action.low)[index])
    steps = max(1, math.ceil(abs(way_m) / (fastest * spec.control_dt_s) - 1e-6))
    return _held(spec, index, way_m / (steps * spec.control_dt_s), steps * spec.control_dt_s)


def _held(spec: TaskSpec, index: int, value: float, duration_s: float) -> Move:
    action = np.zeros(spec.action.size, np.float32)
    action[index] = value
    return Move(action, max(1, round(duration_s / spec.control_dt_s)))
