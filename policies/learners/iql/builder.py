"""The IQL plug-in."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.episodic.learner import EpisodicLearner
from vlmrl_ros.policies.learners.iql.config import IqlConfig
from vlmrl_ros.policies.learners.iql.learning import Iql


class Builder:
    """Entry point of the learner plug-in ``iql``."""

    config_type = IqlConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: IqlConfig, rng: np.random.Generator) -> EpisodicLearner:
        """Learn from the task's reward, within the data."""
        return EpisodicLearner("iql", spec, config, Iql(spec, config, rng), rng)
