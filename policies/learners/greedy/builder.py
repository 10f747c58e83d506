"""The plug-in ``greedy``."""

from __future__ import annotations

from functools import partial

import numpy as np

from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.config import BanditConfig
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.rules import greedy


class Builder:
    """Entry point of the learner plug-in ``greedy``."""

    config_type = BanditConfig
    experience = Outcome

    @staticmethod
    def build(spec: Candidates, config: BanditConfig, rng: np.random.Generator) -> BanditLearner:
        """The arm with the best mean return; nothing is random."""
        return BanditLearner("greedy", spec, config, partial(greedy, delta=config.delta))
