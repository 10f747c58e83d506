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
    return_steps: int = option(
        0, "gradient steps in which Q and V first learn the returns of the data", low=0, high=1_000_000_000
    )
    target_every: int = option(
        0,
        "gradient steps after which the target, which then also gives the next values, becomes what was learned; "
        "0: it moves by target_rate, and the next values are the newest",
        low=0,
        high=1_000_000,
    )
