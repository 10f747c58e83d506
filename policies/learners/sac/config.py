"""Options of SAC."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig


@dataclass(frozen=True)
class SacConfig(EpisodicConfig):
    """Soft actor-critic, learning from the task's reward."""

    temperature: float = option(0.1, "initial weight of the entropy; it adapts", low=1e-6)
    target_entropy: float = option(-1.0, "entropy aimed at, for each action component", unit="nat")
    entropy_backup: bool = option(True, "the target counts the entropy of the next action")
