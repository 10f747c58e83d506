"""Options of IQL."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig


@dataclass(frozen=True)
class IqlConfig(EpisodicConfig):
    """Implicit Q-learning with advantage-weighted regression."""

    expectile: float = option(0.8, "expectile of the action values that the state value aims at", low=0.5, high=0.999)
    inverse_temperature: float = option(
        3.0, "weight of an action is exp(inverse_temperature * advantage)", unit="1", low=0.0
    )
    greatest_weight: float = option(100.0, "cap of that weight", low=1.0)
