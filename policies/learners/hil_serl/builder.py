"""The HIL-SERL plug-in: RLPD's learner with the task's reward, and takeovers in both halves of its memory."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.hil_serl.config import HilSerlConfig
from vlmrl_ros.policies.learners.labels import not_demonstrated, task_reward
from vlmrl_ros.policies.learners.memory import MixedMemory
from vlmrl_ros.policies.learners.rlpd.builder import RlpdLearner, prior_of


class Builder:
    """Entry point of the learner plug-in ``hil_serl``."""

    config_type = HilSerlConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: HilSerlConfig, rng: np.random.Generator) -> RlpdLearner:
        """Learn from the task's reward; a takeover is no penalty. Source: Luo et al., HIL-SERL (2024)."""
        online = not_demonstrated if config.buffers == "symmetric" else None  # one buffer takes demonstrations too
        memory = MixedMemory(spec, config.capacity, task_reward, prior_of(config), online)
        return RlpdLearner("hil_serl", spec, config, memory, rng)
