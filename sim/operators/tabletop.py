"""A person who moves what the sentence names to where it says, with a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.skills import PLACES
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.grasping import (
    CLOSE,
    GRASP_BELOW_M,
    HOLD,
    NEAR_M,
    OPEN,
    GraspingConfig,
    GraspingOperator,
)
from vlmrl_ros.sim.operators.operator import Array, Scene, tip_offset

_TRAVEL_M = 0.06
_RELEASE_BELOW_M, _ON_TABLE_M = 0.006, 0.003
_OPEN_M, _SQUEEZED_M, _SLACK_M = 0.066, 0.0015, 0.006


@dataclass(frozen=True)
class TabletopOperatorConfig(GraspingConfig):
    """Options of the tabletop operator."""

    bias_x_mm: float = option(6.0, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-21.0, "fixed error of the aim in y", unit="mm")
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


class TabletopOperator(GraspingOperator):
    """Picks up where they believe the thing is, carries it, puts it down where they believe it is to go."""

    far_sideways_m, far_up_m = 0.40, 0.30

    def cost(self, scene: Scene) -> float:
        """Distance to the thing and closing still to do, then the way to the goal and the way down."""
        distance = float(np.linalg.norm(tip_offset(scene)))
        closing = max(scene["opening"] - scene["width"], 0.0) if distance < NEAR_M else _OPEN_M - scene["width"]
        away = max(abs(scene["goal_x"]), abs(scene["goal_y"]))
        if away < NEAR_M:
            return distance + scene["height"]
        return distance + closing + away + max(_TRAVEL_M - scene["height"], 0.0) + _TRAVEL_M

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Go for the thing until it is held, then for the goal."""
        if self._holds(scene):
            return self._carry(scene, aim)
        if max(abs(scene["goal_x"]), abs(scene["goal_y"])) < NEAR_M and scene["height"] < _ON_TABLE_M:
            return np.array([0.0, 0.0, self._spec.action.high[2], OPEN])
        return self._fetch(scene, aim)

    def objects(self, scene: Scene, said: str) -> bool:
        """Pick up what is asked for; once it is in the hand, place it where it is to go: anything else is wrong."""
        thing = np.array([scene["thing_x"], scene["thing_y"]])
        held = self._holds(scene) and scene["height"] > _ON_TABLE_M
        where = thing - [scene["goal_x"], scene["goal_y"]] if held else thing
        place = min(PLACES, key=lambda name: float(np.linalg.norm(where - PLACES[name])))
        return said != f"{'place' if held else 'pick'} {place}"

    def _holds(self, scene: Scene) -> bool:
        between = float(np.linalg.norm(tip_offset(scene))) < NEAR_M
        return between and scene["opening"] < scene["width"] + _SQUEEZED_M

    def _fetch(self, scene: Scene, aim: Array) -> Array:
        """Hover until aligned, descend, close; a hand that closed on nothing opens again over the thing."""
        error = aim - tip_offset(scene)
        self._reopening = scene["opening"] < (_OPEN_M if self._reopening else scene["width"] - _SLACK_M)
        closing = scene["opening"] < _OPEN_M - _SLACK_M
        if not self._reopening and scene["tip_z"] < GRASP_BELOW_M and (self._aligned(error) or closing):
            return np.array([0.0, 0.0, 0.0, CLOSE])
        return self._approach(scene, error)

    def _carry(self, scene: Scene, aim: Array) -> Array:
        """Lift, carry, lower, let go."""
        error = np.array([aim[0] - scene["goal_x"], aim[1] - scene["goal_y"], 0.0])
        aligned = self._aligned(error)
        if aligned and scene["height"] < _RELEASE_BELOW_M:
            return np.array([0.0, 0.0, 0.0, OPEN])
        hover_m = self._eye.hover_mm / 1000
        error[2] = (0.0 if aligned else hover_m) - scene["height"]
        if not aligned and scene["height"] < hover_m / 2:
            error[:2] = 0.0
        return np.array([*self._towards(error), CLOSE if scene["height"] < hover_m / 2 and not aligned else HOLD])
