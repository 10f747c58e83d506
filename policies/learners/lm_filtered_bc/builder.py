"""The plug-in ``lm_filtered_bc``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.passages import Ints
from vlmrl_ros.policies.learners.language.cloned import ClonedLearner
from vlmrl_ros.policies.learners.language.learner import Metrics
from vlmrl_ros.policies.learners.lm_filtered_bc.config import LmFilteredBcConfig


class LmFilteredBc(ClonedLearner):
    """Clones what was said in the best episodes, or in those that succeeded; before that, where it is asked to, all."""

    def __init__(self, spec: TextSpec, config: LmFilteredBcConfig, rng: np.random.Generator) -> None:
        """As of every learner of language."""
        super().__init__("lm_filtered_bc", spec, config, rng)
        self._filter, self._kept = config, (0, np.zeros(0, np.int64))

    def _later_step(self) -> Metrics:
        return self._cloning_step(self._candidates())

    def _candidates(self) -> Ints:
        """Passages of those that count among all episodes so far."""
        if self._kept[0] != len(self._episodes):
            successful = self._filter.keep == "successful"
            self._kept = len(self._episodes), self._successful() if successful else self._best(self._filter.share)
        return self._kept[1]

    def _successful(self) -> Ints:
        found = [number for number, episode in enumerate(self._episodes) if episode.info.get("success")]
        if not found:
            raise ConfigError(f"none of {len(self._episodes)} episodes succeeded; keep: best takes a share of them")
        return self._passages_of(found)


class Builder:
    """Entry point of the learner plug-in ``lm_filtered_bc``."""

    config_type = LmFilteredBcConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: LmFilteredBcConfig, rng: np.random.Generator) -> LmFilteredBc:
        """Clone the best of the data."""
        return LmFilteredBc(spec, config, rng)
