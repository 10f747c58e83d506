"""A person who picks the cube up, with a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.operator import Array, OperatorConfig, Scene, ScriptedOperator

_LIFT_TO_M = 0.06
_FAR_SIDEWAYS_M, _FAR_UP_M = 0.12, 0.20
_NEAR_M = 0.025
_GRASP_BELOW_M = 0.012
_OPEN_M, _REOPENED_M, _CLOSING_M, _HELD_OPENING_M, _MISSED_M = 0.070, 0.060, 0.058, 0.0415, 0.034
_CLOSE, _OPEN = -1.0, 1.0


@dataclass(frozen=True)
class PickLiftOperatorConfig(OperatorConfig):
    """Options of the pick operator."""

    patience_steps: int = option(8, "policy steps without progress before a takeover", low=1)
    hold_steps: int = option(8, "control steps of a takeover", low=1)
    bias_x_mm: float = option(5.0, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-16.0, "fixed error of the aim in y", unit="mm")
    aim_noise_mm: float = option(
        4.0, "standard deviation of the aim, drawn per episode on each axis", unit="mm", low=0.0
    )
    hover_mm: float = option(45.0, "height over the cube at which the person aligns", unit="mm", low=0.0)
    aligned_mm: float = option(
        4.0, "sideways error, as the person sees it, below which they descend", unit="mm", low=0.0
    )


def build(spec: TaskSpec, config: Mapping[str, Any]) -> PickLiftOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PickLiftOperator(spec, from_mapping(PickLiftOperatorConfig, config, "operator pick_lift"))


class PickLiftOperator(ScriptedOperator):
    """Aligns over the believed cube, descends, closes the hand, lifts."""

    def __init__(self, spec: TaskSpec, config: PickLiftOperatorConfig) -> None:
        """Take the habits of the person."""
        self._eye = config
        super().__init__(spec, config, (config.bias_x_mm, config.bias_y_mm, 0.0))

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode with an open hand."""
        super().reset(rng, demonstrate)
        self._reopening = False

    def cost(self, scene: Scene) -> float:
        """Distance to the cube, then the closing still to do, then the height still to lift."""
        distance = float(np.linalg.norm(_offset(scene)))
        slack = max(scene["opening"] - _HELD_OPENING_M, 0.0) if distance < _NEAR_M else _OPEN_M - _HELD_OPENING_M
        return distance + slack + max(_LIFT_TO_M - scene["height"], 0.0)

    def in_danger(self, scene: Scene) -> bool:
        """The hand has left the work area."""
        return max(abs(scene["tip_x"]), abs(scene["tip_y"])) > _FAR_SIDEWAYS_M or scene["tip_z"] > _FAR_UP_M

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Hover until aligned, descend, close, lift; a hand that closed on nothing opens again over the cube."""
        error = aim - _offset(scene)
        aligned = np.abs(error[:2]).max() < self._eye.aligned_mm / 1000
        low = scene["tip_z"] < _GRASP_BELOW_M
        self._reopening = scene["opening"] < (_REOPENED_M if self._reopening else _MISSED_M)
        if not self._reopening and low and scene["opening"] < _HELD_OPENING_M:
            return np.array([0.0, 0.0, self._spec.action.high[2], _CLOSE])
        if not self._reopening and low and (aligned or scene["opening"] < _CLOSING_M):
            return np.array([0.0, 0.0, 0.0, _CLOSE])
        descend = aligned and not self._reopening
        error[2] = (0.0 if descend else self._eye.hover_mm / 1000) - scene["tip_z"]
        return np.array([*self._towards(error), _OPEN])


def _offset(scene: Scene) -> Array:
    return np.array([scene["tip_x"], scene["tip_y"], scene["tip_z"]])
