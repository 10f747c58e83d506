"""A person who inserts the peg, with a steady hand but a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.operator import Array, OperatorConfig, Scene, ScriptedOperator

_DEPTH_M = 0.02
_PUSH_TO_M = -0.03
_FELT_M = 0.003
_FAR_SIDEWAYS_M, _FAR_UP_M = 0.09, 0.12


@dataclass(frozen=True)
class PegInsertOperatorConfig(OperatorConfig):
    """Options of the peg operator."""

    bias_x_mm: float = option(3.2, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-2.2, "fixed error of the aim in y", unit="mm")
    hover_mm: float = option(12.0, "height over the rim at which the person aligns", unit="mm", low=0.0)
    aligned_mm: float = option(
        3.0, "sideways error, as the person sees it, below which they descend", unit="mm", low=0.0
    )


def build(spec: TaskSpec, config: Mapping[str, Any]) -> PegInsertOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return PegInsertOperator(spec, from_mapping(PegInsertOperatorConfig, config, "operator peg_insert"))


class PegInsertOperator(ScriptedOperator):
    """Aligns over where they believe the hole is, then pushes down."""

    def __init__(self, spec: TaskSpec, config: PegInsertOperatorConfig) -> None:
        """Take the habits of the person."""
        self._eye = config
        super().__init__(spec, config, (config.bias_x_mm, config.bias_y_mm, 0.0))

    def cost(self, scene: Scene) -> float:
        """Sideways distance plus the depth still to go."""
        return _sideways(scene) + max(scene["tip_z"] + _DEPTH_M, 0.0)

    def in_danger(self, scene: Scene) -> bool:
        """The tip has left the work area."""
        return _sideways(scene) > _FAR_SIDEWAYS_M or scene["tip_z"] > _FAR_UP_M

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Hover until aligned, then push; once the peg is felt to be in the hole, keep pushing."""
        error = np.array([aim[0] - scene["tip_x"], aim[1] - scene["tip_y"], 0.0])
        aligned = np.abs(error[:2]).max() < self._eye.aligned_mm / 1000
        inside = scene["tip_z"] < -_FELT_M
        height = _PUSH_TO_M if aligned or inside else self._eye.hover_mm / 1000
        error[2] = height - scene["tip_z"]
        return self._towards(error)


def _sideways(scene: Scene) -> float:
    return max(abs(scene["tip_x"]), abs(scene["tip_y"]))
