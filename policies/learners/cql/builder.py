"""The CQL plug-in: Cal-QL's learner, not calibrated."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.calql.learning import CalQl
from vlmrl_ros.policies.learners.cql.config import CqlConfig
from vlmrl_ros.policies.learners.episodic.learner import EpisodicLearner


class Builder:
    """Entry point of the learner plug-in ``cql``."""

    config_type = CqlConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: CqlConfig, rng: np.random.Generator) -> EpisodicLearner:
        """Learn from the task's reward, with conservative values."""
        return EpisodicLearner("cql", spec, config, CalQl(spec, config, rng), rng)
