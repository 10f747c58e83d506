"""Options of RLIF."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig


@dataclass(frozen=True)
class RlifConfig(RlpdConfig):
    """RLPD with takeovers for a reward: no value can be above 0."""

    nonpositive_values: bool = option(True, "clip targets at 0, true where no reward is positive")
