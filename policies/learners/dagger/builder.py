"""The DAgger plug-in: the cloning learner, fed with what a person would do."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.bc.builder import CloningLearner
from vlmrl_ros.policies.learners.dagger.config import DaggerConfig
from vlmrl_ros.policies.learners.labels import advised_action


class Builder:
    """Entry point of the learner plug-in ``dagger``."""

    config_type = DaggerConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: DaggerConfig, rng: np.random.Generator) -> CloningLearner:
        """Clone what a person did, and what they advise while the policy acts. Source: Ross et al., DAgger (2011)."""
        return CloningLearner("dagger", spec, config, advised_action, rng)
