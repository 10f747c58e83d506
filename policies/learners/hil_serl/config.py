"""Options of HIL-SERL."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig


@dataclass(frozen=True)
class HilSerlConfig(RlpdConfig):
    """RLPD with the defaults of the released code: two critics, two of their steps for one of the actor."""

    samples_per_insert: float = option(512.0, "transitions drawn for each online transition stored", low=1.0)
    critic_updates: int = option(2, "gradient steps of the critics for one of the actor", low=1)
    critics: int = option(2, "critics in the ensemble", low=1)
    temperature: float = option(0.01, "initial weight of the entropy; more of it drowns takeovers", low=1e-6)
