"""Options of ``vlm_kto``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.turns.config import TurnConfig
from vlmrl_ros.policies.vlm.kto import KtoConfig


@dataclass(frozen=True)
class VlmKtoConfig(TurnConfig, KtoConfig):
    """Makes utterances that a person took over from less likely, and the others likelier, whoever said them."""

    samples_per_insert: float = option(
        32.0, "in the loop: turns drawn for each step, for the pace of the updates", low=0.01, high=10_000.0
    )
    last_rate: float = option(
        1.0, "share of the learning rate that is left after so many updates, by a cosine", low=0.0, high=1.0
    )
    min_turns: int = option(64, "turns that are waited for, and at least one of either kind", low=2, high=10**6)
