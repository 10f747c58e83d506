"""The SAC plug-in."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.episodic.learner import EpisodicLearner
from vlmrl_ros.policies.learners.sac.config import SacConfig
from vlmrl_ros.policies.learners.sac.learning import Sac


class Builder:
    """Entry point of the learner plug-in ``sac``."""

    config_type = SacConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: SacConfig, rng: np.random.Generator) -> EpisodicLearner:
        """Learn from the task's reward."""
        return EpisodicLearner("sac", spec, config, Sac(spec, config, rng), rng)
