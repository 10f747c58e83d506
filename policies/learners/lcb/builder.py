"""The plug-in ``lcb``."""

from __future__ import annotations

from functools import partial

import numpy as np

from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.config import BanditConfig
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.rules import lcb


class Builder:
    """Entry point of the learner plug-in ``lcb``."""

    config_type = BanditConfig
    experience = Outcome

    @staticmethod
    def build(spec: Candidates, config: BanditConfig, rng: np.random.Generator) -> BanditLearner:
        """The arm with the best lower confidence bound; nothing is random."""
        return BanditLearner("lcb", spec, config, partial(lcb, delta=config.delta))
