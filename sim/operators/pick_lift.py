"""A person who picks the cube up, with a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.grasping import CLOSE, GRASP_BELOW_M, NEAR_M, GraspingConfig, GraspingOperator
from vlmrl_ros.sim.operators.operator import Array, Scene, tip_offset

_LIFT_TO_M = 0.06
_OPEN_M, _REOPENED_M, _CLOSING_M, _HELD_OPENING_M, _MISSED_M = 0.070, 0.060, 0.058, 0.0415, 0.034


@dataclass(frozen=True)
class PickLiftOperatorConfig(GraspingConfig):
    """Options of the pick operator."""


def build(spec: TaskSpec, config: Mapping[str, Any]) -> PickLiftOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PickLiftOperator(spec, from_mapping(PickLiftOperatorConfig, config, "operator pick_lift"))


class PickLiftOperator(GraspingOperator):
    """Aligns over the believed cube, descends, closes the hand, lifts."""

    far_sideways_m, far_up_m = 0.12, 0.20

    def cost(self, scene: Scene) -> float:
        """Distance to the cube, then the closing still to do, then the height still to lift."""
        distance = float(np.linalg.norm(tip_offset(scene)))
        slack = max(scene["opening"] - _HELD_OPENING_M, 0.0) if distance < NEAR_M else _OPEN_M - _HELD_OPENING_M
        return distance + slack + max(_LIFT_TO_M - scene["height"], 0.0)

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Hover until aligned, descend, close, lift; a hand that closed on nothing opens again over the cube."""
        error = aim - tip_offset(scene)
        low = scene["tip_z"] < GRASP_BELOW_M
        self._reopening = scene["opening"] < (_REOPENED_M if self._reopening else _MISSED_M)
        if not self._reopening and low and scene["opening"] < _HELD_OPENING_M:
            return np.array([0.0, 0.0, self._spec.action.high[2], CLOSE])
        if not self._reopening and low and (self._aligned(error) or scene["opening"] < _CLOSING_M):
            return np.array([0.0, 0.0, 0.0, CLOSE])
        return self._approach(scene, error)
