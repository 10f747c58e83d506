"""The plug-in ``uniform``."""

from __future__ import annotations

from functools import partial

import numpy as np

from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.config import BanditConfig
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.rules import uniform


class Builder:
    """Entry point of the learner plug-in ``uniform``."""

    config_type = BanditConfig
    experience = Outcome

    @staticmethod
    def build(spec: Candidates, config: BanditConfig, rng: np.random.Generator) -> BanditLearner:
        """Every arm alike; nothing is random."""
        return BanditLearner("uniform", spec, config, partial(uniform, delta=config.delta))
