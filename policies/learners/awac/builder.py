"""The AWAC plug-in."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.awac.config import AwacConfig
from vlmrl_ros.policies.learners.awac.learning import Awac
from vlmrl_ros.policies.learners.episodic.learner import EpisodicLearner


class Builder:
    """Entry point of the learner plug-in ``awac``."""

    config_type = AwacConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: AwacConfig, rng: np.random.Generator) -> EpisodicLearner:
        """Learn from the task's reward, by cloning what turns out well."""
        return EpisodicLearner("awac", spec, config, Awac(spec, config, rng), rng)
