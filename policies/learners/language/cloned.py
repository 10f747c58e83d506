"""What learners share that first clone data and then go on from there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.learners.language.config import ClonedConfig
from vlmrl_ros.policies.learners.language.learner import LanguageLearner, Metrics


class ClonedLearner(LanguageLearner):
    """Makes the gradient steps of a clone, and then its own. Its subclass says what those are."""

    def __init__(
        self, name: str, spec: TextSpec, config: ClonedConfig, rng: np.random.Generator, discount: float = 1.0
    ) -> None:
        """As of every learner of language.

        Raises:
            ConfigError: also a rate of cloning, and none of learning.
        """
        super().__init__(name, spec, config, rng, discount)
        if config.cloning_rate and not config.learning_rate:
            raise ConfigError(
                f"{name}.learning_rate is 0 and cloning_rate {config.cloning_rate:g}; valid: both above 0"
            )
        self._cloned = config
        self._left = config.cloning_updates

    def _step(self) -> Metrics:
        if not self._left:
            return self._later_step()
        metrics = self._cloning_step()
        self._left -= 1
        if not self._left:
            self._steps = 0  # its own steps are counted anew
            self._begin()
        return metrics

    def _begin(self) -> None:
        """The clone is made."""

    @abstractmethod
    def _later_step(self) -> Metrics:
        """One gradient step once the clone is made; returns metrics by name, float32 () each."""

    @property
    def _rate(self) -> float:
        config = self._cloned
        if not self._left:
            return super()._rate
        if not config.cloning_rate:
            return 1.0
        return config.cloning_rate / config.learning_rate * self._left / config.cloning_updates

    def start_from(self, variables: Variables) -> None:
        """As of every learner of language; nothing is left to clone then."""
        super().start_from(variables)
        self._left = 0
        self._begin()

    def _progress(self) -> dict[str, Any]:
        return super()._progress() | {"left": self._left}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        super()._resume(progress)
        self._left = int(progress.get("left", 0))  # older ones of filtered BC have none
