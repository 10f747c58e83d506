"""Options of ``vlm_sft``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.turns.config import TurnConfig
from vlmrl_ros.policies.vlm.sft import SftConfig


@dataclass(frozen=True)
class VlmSftConfig(TurnConfig, SftConfig):
    """Makes what was said in turns likely, whoever said it, but not what was punished or names no action."""

    samples_per_insert: float = option(
        32.0, "in the loop: turns drawn for each step, for the pace of the updates", low=0.01, high=10_000.0
    )
    last_rate: float = option(
        1.0,
        "share of the learning rate that is left after so many steps, by a cosine; 1: it stays as it is, for nobody "
        "knows beforehand how many gradient steps a run of the loop will have",
        low=0.001,
        high=1.0,
    )
    steps_per_update: int = option(10, "gradient steps in an update", low=1, high=10**6)
    min_turns: int = option(32, "turns that are waited for", low=1, high=10**6)
