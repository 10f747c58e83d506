"""The Cal-QL plug-in."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.calql.config import CalqlConfig
from vlmrl_ros.policies.learners.calql.learning import CalQl
from vlmrl_ros.policies.learners.episodic.learner import EpisodicLearner


class Builder:
    """Entry point of the learner plug-in ``calql``."""

    config_type = CalqlConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: CalqlConfig, rng: np.random.Generator) -> EpisodicLearner:
        """Learn from the task's reward, with values that are conservative and calibrated."""
        return EpisodicLearner("calql", spec, config, CalQl(spec, config, rng), rng)
