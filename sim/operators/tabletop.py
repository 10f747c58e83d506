"""A person who moves what the sentence names to where it says, with a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.operator import Array, OperatorConfig, Scene, ScriptedOperator

_TRAVEL_M = 0.06
_FAR_SIDEWAYS_M, _FAR_UP_M = 0.40, 0.30
_NEAR_M = 0.025
_GRASP_BELOW_M, _RELEASE_BELOW_M, _ON_TABLE_M = 0.012, 0.006, 0.003
_OPEN_M, _SQUEEZED_M, _SLACK_M = 0.066, 0.0015, 0.006
_CLOSE, _HOLD, _OPEN = -1.0, 0.0, 1.0


@dataclass(frozen=True)
class TabletopOperatorConfig(OperatorConfig):
    """Options of the tabletop operator."""

    patience_steps: int = option(8, "policy steps without progress before a takeover", low=1)
    hold_steps: int = option(8, "control steps of a takeover", low=1)
    bias_x_mm: float = option(6.0, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-21.0, "fixed error of the aim in y", unit="mm")
    aim_noise_mm: float = option(
        4.0, "standard deviation of the aim, drawn per episode on each axis", unit="mm", low=0.0
    )
    hover_mm: float = option(
        50.0, "height over the thing, and of the thing over the table, at which the person aligns", unit="mm", low=0.0
    )
    aligned_mm: float = option(
        8.0, "sideways error, as the person sees it, below which they descend", unit="mm", low=0.0
    )


def build(spec: TaskSpec, config: Mapping[str, Any]) -> TabletopOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return TabletopOperator(spec, from_mapping(TabletopOperatorConfig, config, "operator tabletop"))


class TabletopOperator(ScriptedOperator):
    """Picks up where they believe the thing is, carries it, puts it down where they believe it is to go."""

    def __init__(self, spec: TaskSpec, config: TabletopOperatorConfig) -> None:
        """Take the habits of the person."""
        self._eye = config
        super().__init__(spec, config, (config.bias_x_mm, config.bias_y_mm, 0.0))

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode with an open hand."""
        super().reset(rng, demonstrate)
        self._reopening = False

    def cost(self, scene: Scene) -> float:
        """Distance to the thing and closing still to do, then the way to the goal and the way down."""
        distance = float(np.linalg.norm(_offset(scene)))
        closing = max(scene["opening"] - scene["width"], 0.0) if distance < _NEAR_M else _OPEN_M - scene["width"]
        away = max(abs(scene["goal_x"]), abs(scene["goal_y"]))
        if away < _NEAR_M:
            return distance + scene["height"]
        return distance + closing + away + max(_TRAVEL_M - scene["height"], 0.0) + _TRAVEL_M

    def in_danger(self, scene: Scene) -> bool:
        """The hand has left the work area."""
        return max(abs(scene["tip_x"]), abs(scene["tip_y"])) > _FAR_SIDEWAYS_M or scene["tip_z"] > _FAR_UP_M

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Go for the thing until it is held, then for the goal."""
        if self._holds(scene):
            return self._carry(scene, aim)
        if max(abs(scene["goal_x"]), abs(scene["goal_y"])) < _NEAR_M and scene["height"] < _ON_TABLE_M:
            return np.array([0.0, 0.0, self._spec.action.high[2], _OPEN])
        return self._fetch(scene, aim)

    def _holds(self, scene: Scene) -> bool:
        between = float(np.linalg.norm(_offset(scene))) < _NEAR_M
        return between and scene["opening"] < scene["width"] + _SQUEEZED_M

    def _fetch(self, scene: Scene, aim: Array) -> Array:
        """Hover until aligned, descend, close; a hand that closed on nothing opens again over the thing."""
        error = aim - _offset(scene)
        aligned = np.abs(error[:2]).max() < self._eye.aligned_mm / 1000
        low = scene["tip_z"] < _GRASP_BELOW_M
        self._reopening = scene["opening"] < (_OPEN_M if self._reopening else scene["width"] - _SLACK_M)
        closing = scene["opening"] < _OPEN_M - _SLACK_M
        if not self._reopening and low and (aligned or closing):
            return np.array([0.0, 0.0, 0.0, _CLOSE])
        descend = aligned and not self._reopening
        error[2] = (0.0 if descend else self._eye.hover_mm / 1000) - scene["tip_z"]
        return np.array([*self._towards(error), _OPEN])

    def _carry(self, scene: Scene, aim: Array) -> Array:
        """Lift, carry, lower, let go."""
        error = np.array([aim[0] - scene["goal_x"], aim[1] - scene["goal_y"], 0.0])
        aligned = np.abs(error[:2]).max() < self._eye.aligned_mm / 1000
        if aligned and scene["height"] < _RELEASE_BELOW_M:
            return np.array([0.0, 0.0, 0.0, _OPEN])
        hover_m = self._eye.hover_mm / 1000
        error[2] = (0.0 if aligned else hover_m) - scene["height"]
        if not aligned and scene["height"] < hover_m / 2:
            error[:2] = 0.0
        return np.array([*self._towards(error), _CLOSE if scene["height"] < hover_m / 2 and not aligned else _HOLD])


def _offset(scene: Scene) -> Array:
    return np.array([scene["tip_x"], scene["tip_y"], scene["tip_z"]])
