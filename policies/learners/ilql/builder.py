"""The plug-in ``ilql``."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.losses import backup, conservative_loss, expectile_loss, of_token, q_loss
from vlmrl_ros.policies.language.passages import TokenBatch
from vlmrl_ros.policies.language.trainee import in_one_buffer
from vlmrl_ros.policies.learners.ilql.config import IlqlConfig
from vlmrl_ros.policies.learners.language.learner import Metrics
from vlmrl_ros.policies.learners.language.values import ValueLearner


class Ilql(ValueLearner):
    """Two Q heads and a V head that sees the best of what the data say; speaks by its target.

    Source: Snell et al. (arXiv 2206.11871), as in LMRL-Gym (arXiv 2311.18232).
    """

    def __init__(self, spec: TextSpec, config: IlqlConfig, rng: np.random.Generator) -> None:
        """As of every learner of values."""
        super().__init__("ilql", spec, config, rng, heads=2, state=True)
        self._ilql = config
        self.target: Critic = deepcopy(self.critic.module).requires_grad_(False)
        self._target = in_one_buffer(self.target)

    def _begin_values(self) -> None:
        super()._begin_values()
        self._target.values.copy_(self.critic.flat.values)

    def _value_step(self) -> Metrics:
        critic, batch = self.critic.module, self._drawn()
        at = batch.chosen(critic.trunk.hidden(batch.ids))
        heads, value = [head(at) for head in critic.actions], critic.state(at)[:, 0]
        target, best = self._targets(batch, value.detach())
        q = q_loss(heads, batch.token, target)
        v = expectile_loss(best, value, self._ilql.expectile)
        conservative = conservative_loss(heads, batch.token)
        norm = self.critic.descend(q + v + self._ilql.cql_weight * conservative)
        self._target.follow(self.critic.flat, self._ilql.target_rate)
        losses = {"q_loss": q, "v_loss": v, "conservative_loss": conservative, "value": value.mean()}
        return {**{name: loss.detach() for name, loss in losses.items()}, "gradient_norm": norm}

    @torch.no_grad()
    def _targets(self, batch: TokenBatch, value: Tensor) -> tuple[Tensor, Tensor]:
        """What Q and what V learn, float32 (N,) each."""
        critic, after = self.critic.module, value.new_zeros(0)
        if len(batch.after):
            after = critic.state(batch.ends(critic.trunk.hidden(batch.after)))[:, 0]
        best = of_token(self.target.least(batch.chosen(self.target.trunk.hidden(batch.ids))), batch.token)
        return backup(batch.reward, batch.next_values(value, after), self._ilql.discount), best

    def _speaking(self) -> Critic:
        return self.target

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {"target": self._target.values}


class Builder:
    """Entry point of the learner plug-in ``ilql``."""

    config_type = IlqlConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: IlqlConfig, rng: np.random.Generator) -> Ilql:
        """Learn values from the data."""
        return Ilql(spec, config, rng)
