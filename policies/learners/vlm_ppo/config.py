"""Options of ``vlm_ppo``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.vlm.ppo import PpoConfig


@dataclass(frozen=True)
class VlmPpoConfig(PpoConfig):
    """Reinforcement learning of what a vision-language model says."""

    model: str = option("", "folder of model and processor, as transformers saves them")
    turns_per_update: int = option(512, "turns that are waited for, all environments together", low=2, high=10**6)
