"""Options of ``vlm_sft``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.vlm.sft import SftConfig


@dataclass(frozen=True)
class VlmSftConfig(SftConfig):
    """Makes what was said in turns likely, whoever said it."""

    model: str = option("", "folder of model and processor, as transformers saves them")
    steps_per_update: int = option(10, "gradient steps in an update", low=1, high=10**6)
    min_turns: int = option(32, "turns that are waited for", low=1, high=10**6)
