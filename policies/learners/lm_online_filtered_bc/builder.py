"""The plug-in ``lm_online_filtered_bc``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.learners.language.learner import Metrics
from vlmrl_ros.policies.learners.language.online import OnlineLearner
from vlmrl_ros.policies.learners.lm_online_filtered_bc.config import LmOnlineFilteredBcConfig


class LmOnlineFilteredBc(OnlineLearner):
    """Clones the best of the newest episodes that it has lived."""

    def __init__(self, spec: TextSpec, config: LmOnlineFilteredBcConfig, rng: np.random.Generator) -> None:
        """As of every learner of language."""
        super().__init__("lm_online_filtered_bc", spec, config, rng)
        self._filter = config

    def _learn(self) -> Mapping[str, float]:
        newest = self._episodes[-self._filter.pool :]
        if len(newest) < len(self._episodes):
            self._forget()
            for episode in newest:
                self._keep(episode)
        best, metrics = self._best(self._filter.share), Metrics()
        for _ in range(self._filter.updates):
            metrics = self._cloning_step(best)
        returns = [episode.undiscounted_return for episode in newest]
        return {**{name: float(value) for name, value in metrics.items()}, "task_return": float(np.mean(returns))}


class Builder:
    """Entry point of the learner plug-in ``lm_online_filtered_bc``."""

    config_type = LmOnlineFilteredBcConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: LmOnlineFilteredBcConfig, rng: np.random.Generator) -> LmOnlineFilteredBc:
        """Clone the data, then the best of what came of it."""
        return LmOnlineFilteredBc(spec, config, rng)
