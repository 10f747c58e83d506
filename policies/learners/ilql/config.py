"""Options of ILQL."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.language.config import ValueConfig


@dataclass(frozen=True)
class IlqlConfig(ValueConfig):
    """Implicit language Q-learning."""

    expectile: float = option(0.7, "tau: how near V comes to the best of what was said", low=0.5, high=1.0)
    target_rate: float = option(0.005, "share by which the target moves in a gradient step", low=0.0, high=1.0)
