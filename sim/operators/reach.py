"""A person who brings the tip to the target, with a biased eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.operator import Array, OperatorConfig, Scene, ScriptedOperator, tip_offset

_FAR_M = 0.30


@dataclass(frozen=True)
class ReachOperatorConfig(OperatorConfig):
    """Options of the reach operator."""

    aim_noise_mm: float = option(
        3.0, "standard deviation of the aim, drawn per episode on each axis", unit="mm", low=0.0
    )
    bias_x_mm: float = option(8.5, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-6.5, "fixed error of the aim in y", unit="mm")
    bias_z_mm: float = option(5.0, "fixed error of the aim in z", unit="mm")


def build(spec: TaskSpec, config: Mapping[str, Any]) -> ReachOperator:
    """Make the operator.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a value out of range.
    """
    return ReachOperator(spec, from_mapping(ReachOperatorConfig, config, "operator reach"))


class ReachOperator(ScriptedOperator):
    """Moves straight to where they believe the target is."""

    def __init__(self, spec: TaskSpec, config: ReachOperatorConfig) -> None:
        """Take the habits of the person."""
        super().__init__(spec, config, (config.bias_x_mm, config.bias_y_mm, config.bias_z_mm))

    def cost(self, scene: Scene) -> float:
        """Distance to the target."""
        return float(np.linalg.norm(tip_offset(scene)))

    def in_danger(self, scene: Scene) -> bool:
        """The tip has left the work area."""
        return self.cost(scene) > _FAR_M

    def wish(self, scene: Scene, aim: Array) -> Array:
        """Straight to the believed target."""
        return self._towards(aim - tip_offset(scene))
