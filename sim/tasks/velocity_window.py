"""A cart with inertia that has to run within a window of velocities; fast windows need many pushes in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.spec import ContextSpec, FloatArray, TaskSpec
from vlmrl_ros.sim.context_task import ContextTask
from vlmrl_ros.sim.task import Feature, vector_spec

_DT_S = 0.1
_START_RANGE_M_S = 0.05
_VIEW = "overview"
_BACK, _WINDOW, _CART = (240, 240, 240), (0, 158, 115), (0, 114, 178)


@dataclass(frozen=True)
class VelocityWindowConfig:
    """Options of ``velocity_window``."""

    horizon: int = option(30, "control steps of an episode", low=1)
    top_m_s: float = option(4.0, "lower edge of the fastest window", unit="m/s", low=0.1, high=100.0)
    width_m_s: float = option(0.5, "width of a window", unit="m/s", low=0.01, high=10.0)
    acceleration_m_s2: float = option(3.0, "of a full push", unit="m/s^2", low=0.01, high=100.0)
    drag_per_s: float = option(0.1, "share of its velocity that the cart loses in a second", unit="1/s", low=0.0)
    hold_steps: int = option(5, "steps in a row within the window that count as success", low=1)


def build(config: Mapping[str, Any]) -> VelocityWindow:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return VelocityWindow(from_mapping(VelocityWindowConfig, config, "task velocity_window"))


class VelocityWindow(ContextTask):
    """Reward: 1.0 for each step within the window, else 0.0. The context is the window's lower edge."""

    def __init__(self, config: VelocityWindowConfig) -> None:
        """Stand still."""
        fastest = 1.5 * (config.top_m_s + config.width_m_s)
        speed = Feature("velocity", "m/s", -fastest, fastest)
        target = Feature("target", "m/s", 0.0, config.top_m_s)
        spec = TaskSpec(
            task="velocity_window",
            observation=vector_spec((speed, target)),
            action=vector_spec((Feature("push", "1", -1.0, 1.0),)),
            cameras=(),
            control_dt_s=_DT_S,
            horizon=config.horizon,
            context=ContextSpec("target", "m/s", trivial=0.0, full=config.top_m_s, component="target"),
        )
        super().__init__(spec, config)
        self._config = config
        self._velocity, self._held = 0.0, 0

    def scene(self) -> dict[str, float]:
        """``velocity`` and ``target``, m/s, and ``held``, steps within the window so far."""
        return {"velocity": self._velocity, "target": self._context, "held": float(self._held)}

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """A dial, uint8 (height, width, 3) RGB: the window and the velocity on a scale from left to right.

        Raises:
            UnknownNameError: a camera other than ``overview``.
        """
        if camera != _VIEW:
            raise UnknownNameError("camera", camera, (_VIEW,))
        low, high = self.spec.observation.low[0], self.spec.observation.high[0]
        scale = np.linspace(low, high, width)
        row = np.full((width, 3), _BACK, np.uint8)
        row[(scale >= self._context) & (scale <= self._context + self._config.width_m_s)] = _WINDOW
        row[np.abs(scale - self._velocity) <= (high - low) / width] = _CART
        return np.repeat(row[None], height, axis=0)

    def _begin(self, rng: np.random.Generator) -> None:
        self._velocity, self._held = float(rng.uniform(-_START_RANGE_M_S, _START_RANGE_M_S)), 0

    def _move(self, action: FloatArray) -> float:
        config = self._config
        push = config.acceleration_m_s2 * float(action[0])
        self._velocity += _DT_S * (push - config.drag_per_s * self._velocity)
        inside = self._context <= self._velocity <= self._context + config.width_m_s
        self._held = self._held + 1 if inside else 0
        return float(inside)

    def _look(self) -> list[float]:
        return [self._velocity, self._context]

    def _done(self) -> bool:
        return self._held >= self._config.hold_steps
