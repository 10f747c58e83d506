"""What learners of token values share: first a clone of the data, then values that begin with its weights."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from torch import Tensor

from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.trainee import Trainee
from vlmrl_ros.policies.learners.language.cloned import ClonedLearner
from vlmrl_ros.policies.learners.language.config import ValueConfig
from vlmrl_ros.policies.learners.language.learner import Metrics


class ValueLearner(ClonedLearner):
    """Speaks as the clone does, shifted by ``beta`` times the values of tokens.

    Attributes:
        critic: what learns the values.
    """

    def __init__(
        self, name: str, spec: TextSpec, config: ValueConfig, rng: np.random.Generator, heads: int, state: bool
    ) -> None:
        """Make clone and critic.

        Args:
            name: of the plug-in.
            spec: of the task.
            config: options.
            rng: seeds weights and draws.
            heads: Q heads.
            state: whether there is a V head.

        Raises:
            ConfigError: this is no task of text, or no such model.
        """
        super().__init__(name, spec, config, rng, config.discount)
        self._values = config
        critic = Critic(self.clone.module, heads, state, self._generator)
        self.critic = Trainee(critic, config.learning_rate, config.max_gradient)

    def _later_step(self) -> Metrics:
        metrics = self._value_step()
        self._steps += 1
        return metrics

    @abstractmethod
    def _value_step(self) -> Metrics:
        """One gradient step of the values."""

    def _begin(self) -> None:
        """Read as the clone does."""
        for mine, its in zip(self.critic.module.trunk.parameters(), self.clone.module.parameters(), strict=True):
            mine.data.copy_(its.data)

    def _expect_returns(self) -> None:
        """Hold every token worth what the data are on average.

        From 0, with costs for rewards, tokens that are never said would long be thought the best.
        """
        for head in self.critic.module.actions:
            head.last.bias.data.fill_(self._memory.mean_to_go())

    def _critic(self) -> tuple[Critic | None, float]:
        return (None, 0.0) if self._left else (self._speaking(), self._values.beta)

    def _speaking(self) -> Critic:
        """The critic that shifts the clone's words."""
        return self.critic.module

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | self.critic.tensors("critic")
