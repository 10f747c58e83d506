"""The plug-in ``lm_ppo``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.learners.lm_ppo.config import LmPpoConfig
from vlmrl_ros.policies.learners.lm_ppo.learning import LmPpo


class Builder:
    """Entry point of the learner plug-in ``lm_ppo``."""

    config_type = LmPpoConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: LmPpoConfig, rng: np.random.Generator) -> LmPpo:
        """Clone the data, then improve what is said."""
        return LmPpo(spec, config, rng)
