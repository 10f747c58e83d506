"""Options of AWAC."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig


@dataclass(frozen=True)
class AwacConfig(EpisodicConfig):
    """Advantage-weighted actor-critic."""

    advantage_scale: float = option(1.0, "weight of an action is exp(advantage / advantage_scale)", low=1e-6)
    greatest_weight: float = option(100.0, "cap of that weight", low=1.0)
    sampled_actions: int = option(4, "actions of the policy that give the value of a state", low=1)
