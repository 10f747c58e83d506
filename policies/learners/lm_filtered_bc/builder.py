"""The plug-in ``lm_filtered_bc``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.passages import Ints
from vlmrl_ros.policies.learners.language.learner import LanguageLearner, Metrics
from vlmrl_ros.policies.learners.lm_filtered_bc.config import LmFilteredBcConfig


class LmFilteredBc(LanguageLearner):
    """Clones what was said in the best episodes."""

    def __init__(self, spec: TextSpec, config: LmFilteredBcConfig, rng: np.random.Generator) -> None:
        """As of every learner of language."""
        super().__init__("lm_filtered_bc", spec, config, rng)
        self._share, self._kept = config.share, (0, np.zeros(0, np.int64))

    def _step(self) -> Metrics:
        return self._cloning_step(self._candidates())

    def _candidates(self) -> Ints:
        """Passages of the best among all episodes so far."""
        if self._kept[0] != len(self._episodes):
            self._kept = len(self._episodes), self._best(self._share)
        return self._kept[1]


class Builder:
    """Entry point of the learner plug-in ``lm_filtered_bc``."""

    config_type = LmFilteredBcConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: LmFilteredBcConfig, rng: np.random.Generator) -> LmFilteredBc:
        """Clone the best of the data."""
        return LmFilteredBc(spec, config, rng)
