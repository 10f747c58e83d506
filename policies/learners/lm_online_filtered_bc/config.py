"""Options of online filtered behaviour cloning."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.language.config import OnlineConfig


@dataclass(frozen=True)
class LmOnlineFilteredBcConfig(OnlineConfig):
    """Cloning of one's own best episodes."""

    share: float = option(0.1, "share of the own episodes, those with the highest returns", low=1e-6, high=1.0)
    pool: int = option(256, "own episodes, the newest, among which the best are found", low=1, high=1_000_000)
