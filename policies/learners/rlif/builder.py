"""The RLIF plug-in: RLPD's learner, told only of takeovers."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.labels import takeover_reward
from vlmrl_ros.policies.learners.rlif.config import RlifConfig
from vlmrl_ros.policies.learners.rlpd.builder import RlpdLearner


class Builder:
    """Entry point of the learner plug-in ``rlif``."""

    config_type = RlifConfig

    @staticmethod
    def build(spec: TaskSpec, config: RlifConfig, rng: np.random.Generator) -> RlpdLearner:
        """Learn from takeovers. Source: Luo et al., RLIF (ICLR 2024), algorithm 1, with every step stored."""
        return RlpdLearner("rlif", spec, config, takeover_reward, rng)
