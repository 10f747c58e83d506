"""What the plug-ins share whose rule needs nothing but the evidence and delta."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np

from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.config import BanditConfig
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.selection import Selection


class RuleBuilder:
    """Base of their entry points, which name themselves and their rule."""

    config_type = BanditConfig
    experience = Outcome
    name: ClassVar[str]
    rule: ClassVar[Callable[..., Selection]]

    @classmethod
    def build(cls, spec: Candidates, config: BanditConfig, rng: np.random.Generator) -> BanditLearner:
        """Ask the rule at each update; nothing is random."""
        return BanditLearner(cls.name, spec, config, partial(cls.rule, delta=config.delta))
