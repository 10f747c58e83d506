"""What learners share that first clone data and then go on from what they say themselves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.learners.language.cloned import ClonedLearner
from vlmrl_ros.policies.learners.language.config import OnlineConfig
from vlmrl_ros.policies.learners.language.learner import Metrics
from vlmrl_ros.policies.networks.compute import learner_compute


class OnlineLearner(ClonedLearner):
    """Episodes that are added while something is left to clone are data; those that come later are its own.

    Its own episodes have to be of the newest weights.
    """

    def __init__(
        self, name: str, spec: TextSpec, config: OnlineConfig, rng: np.random.Generator, discount: float = 1.0
    ) -> None:
        """As of every learner of language."""
        super().__init__(name, spec, config, rng, discount)
        self._online = config
        self._fresh = 0

    @property
    def cloning(self) -> bool:
        """It still learns from data."""
        return self._left > 0

    @property
    def wants(self) -> int:
        """Own episodes that are still missing."""
        return max(0, self._online.rollouts - self._fresh)

    def add(self, item: TextEpisode) -> None:
        """Keep an episode."""
        super().add(item)
        self._fresh += not self.cloning

    @property
    def ready(self) -> bool:
        """There is data, or then as many own episodes as an update takes."""
        return super().ready if self.cloning else self._fresh >= self._online.rollouts

    def update(self) -> Mapping[str, float]:
        """Clone, or learn from the newest own episodes."""
        if self.cloning:
            return super().update()
        with learner_compute():
            metrics = self._learn()
        self._fresh = 0
        return self._count(metrics)

    @abstractmethod
    def _learn(self) -> Mapping[str, float]:
        """Learn from own episodes; those that are not needed any more are forgotten."""

    def _later_step(self) -> Metrics:
        """Nothing: in the update that ends the clone there are no own episodes yet."""
        return {}

    def _begin(self) -> None:
        """The clone is made: the data are not needed any more."""
        self._forget()

    def _progress(self) -> dict[str, Any]:
        return super()._progress() | {"fresh": self._fresh}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        super()._resume(progress)
        self._fresh = int(progress["fresh"])
