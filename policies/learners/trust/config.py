"""Options of TRUST."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.bandit.config import BanditConfig


@dataclass(frozen=True)
class TrustConfig(BanditConfig):
    """Trust region enhancement of the mixture whose value is known best."""

    decay: float = option(1.5, "by how much a radius of the grid is smaller than the one before", low=1.01, high=100.0)
    radii: int = option(12, "number of radii in the grid", low=1, high=1000)
    draws: int = option(
        1000, "draws of the noise for the critical radii; 2 radii / delta at the least", low=1, high=1_000_000
    )
