"""The HG-DAgger plug-in: the cloning learner, fed with takeovers too."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.bc.builder import CloningLearner
from vlmrl_ros.policies.learners.hg_dagger.config import HgDaggerConfig
from vlmrl_ros.policies.learners.labels import anybodys_action, persons_action


class Builder:
    """Entry point of the learner plug-in ``hg_dagger``."""

    config_type = HgDaggerConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: HgDaggerConfig, rng: np.random.Generator) -> CloningLearner:
        """Clone what a person did, in demonstrations and takeovers. Source: Kelly et al., HG-DAgger (2019)."""
        target = persons_action if config.cloned == "person" else anybodys_action
        return CloningLearner("hg_dagger", spec, config, target, rng)
