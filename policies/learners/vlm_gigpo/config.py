"""Options of ``vlm_gigpo``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.turns.config import LiveConfig, TurnConfig
from vlmrl_ros.policies.vlm.gigpo import GigpoConfig


@dataclass(frozen=True)
class VlmGigpoConfig(TurnConfig, LiveConfig, GigpoConfig):
    """Reinforcement learning from groups of whole episodes."""

    group_size: int = option(8, "episodes in a group; in the loop episodes_alike of sim_bridge, too", low=2, high=1000)
    groups_per_update: int = option(4, "groups that are waited for, all environments together", low=1, high=10**5)
