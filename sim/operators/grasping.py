"""What people have in common who take hold of a thing with a biased eye, whatever they do with it then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.config import option
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.sim.operators.operator import Array, OperatorConfig, Scene, ScriptedOperator

CLOSE, HOLD, OPEN = -1.0, 0.0, 1.0
"""Of the gripper."""
NEAR_M, GRASP_BELOW_M = 0.025, 0.012
"""From the thing, where the hand may close on it; over it, where it does."""


@dataclass(frozen=True)
class GraspingConfig(OperatorConfig):
    """Options of those operators; the eye's are those for one thing on a free table."""

    patience_steps: int = option(8, "policy steps without progress before a takeover", low=1)
    hold_steps: int = option(8, "control steps of a takeover", low=1)
    bias_x_mm: float = option(5.0, "fixed error of the aim in x", unit="mm")
    bias_y_mm: float = option(-16.0, "fixed error of the aim in y", unit="mm")
    aim_noise_mm: float = option(
        4.0, "standard deviation of the aim, drawn per episode on each axis", unit="mm", low=0.0
    )
    hover_mm: float = option(45.0, "height over the thing at which the person aligns", unit="mm", low=0.0)
    aligned_mm: float = option(
        4.0, "sideways error, as the person sees it, below which they descend", unit="mm", low=0.0
    )


class GraspingOperator(ScriptedOperator):
    """Aligns over where they believe the thing is, with an open hand."""

    far_sideways_m: float
    far_up_m: float
    """How far from the thing the hand is out of the work area."""

    def __init__(self, spec: TaskSpec, config: GraspingConfig) -> None:
        """Take the habits of the person."""
        self._eye = config
        super().__init__(spec, config, (config.bias_x_mm, config.bias_y_mm, 0.0))

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode with an open hand."""
        super().reset(rng, demonstrate)
        self._reopening = False

    def in_danger(self, scene: Scene) -> bool:
        """The hand has left the work area."""
        sideways_m = max(abs(scene["tip_x"]), abs(scene["tip_y"]))
        return sideways_m > self.far_sideways_m or scene["tip_z"] > self.far_up_m

    def _aligned(self, error_m: Array) -> bool:
        return bool(np.abs(error_m[:2]).max() < self._eye.aligned_mm / 1000)

    def _approach(self, scene: Scene, error_m: Array) -> Array:
        """Hover until aligned, descend; a hand that has to open again does so over the thing."""
        descend = self._aligned(error_m) and not self._reopening
        error_m[2] = (0.0 if descend else self._eye.hover_mm / 1000) - scene["tip_z"]
        return np.array([*self._towards(error_m), OPEN])
