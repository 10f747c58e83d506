"""Options of ``vlm_ppo``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.turns.config import LiveConfig, TurnConfig
from vlmrl_ros.policies.vlm.ppo import PpoConfig


@dataclass(frozen=True)
class VlmPpoConfig(TurnConfig, LiveConfig, PpoConfig):
    """Reinforcement learning of what a vision-language model says."""

    turns_per_update: int = option(128, "turns that are waited for, all environments together", low=2, high=10**6)
