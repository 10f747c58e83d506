"""Options of PPO on tokens."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.language.config import OnlineConfig


@dataclass(frozen=True)
class LmPpoConfig(OnlineConfig):
    """Proximal policy optimisation from a clone."""

    temperature: float = option(1.0, "at which tokens are drawn, and judged", low=0.01, high=100.0)
    discount: float = option(0.99, "gamma of one action token", low=0.0, high=1.0)
    trace: float = option(0.95, "lambda of the generalised advantages", low=0.0, high=1.0)
    clip: float = option(0.2, "a ratio, and a value's change, count within this distance", low=0.01, high=1.0)
    kl_weight: float = option(0.01, "cost of each nat by which a token departs from the clone", low=0.0, high=100.0)
    bc_weight: float = option(0.0, "weight of the likelihood of the data, which are kept if above 0", low=0.0, high=1e3)
    reward_scale: float = option(
        1.0, "rewards are multiplied by this, so that clipped values keep up", low=1e-6, high=1e6
    )
    epochs: int = option(4, "passes over the own episodes in an update", low=1, high=100)
    value_epochs: int = option(4, "passes with which values alone begin, before the first update", low=0, high=1000)
