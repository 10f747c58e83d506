"""Options of filtered behaviour cloning."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.language.config import ClonedConfig


@dataclass(frozen=True)
class LmFilteredBcConfig(ClonedConfig):
    """Cloning of the best episodes."""

    cloning_updates: int = option(
        0, "gradient steps of behaviour cloning of all episodes before all else", low=0, high=1_000_000_000
    )
    keep: str = option(
        "best",
        "best: a share of the episodes, by return; successful: all that succeeded",
        choices=("best", "successful"),
    )
    share: float = option(0.1, "share of the episodes, those with the highest returns", low=1e-6, high=1.0)
