"""The plug-in ``lm_bc``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.learners.language.config import LanguageConfig
from vlmrl_ros.policies.learners.language.learner import LanguageLearner, Metrics


class LmBc(LanguageLearner):
    """Clones all that was said."""

    def _step(self) -> Metrics:
        return self._cloning_step()


class Builder:
    """Entry point of the learner plug-in ``lm_bc``."""

    config_type = LanguageConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: LanguageConfig, rng: np.random.Generator) -> LmBc:
        """Clone the data."""
        return LmBc("lm_bc", spec, config, rng)
