"""The plug-in ``ilql``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

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
        self._known: tuple[TokenBatch, tuple[Tensor, Tensor]] | None = None
        self._returns_left = config.return_steps

    def _begin(self) -> None:
        super()._begin()
        if self._returns_left:
            self._expect_returns()
        self._renew_target()

    def _renew_target(self) -> None:
        self._target.values.copy_(self.critic.flat.values)
        self._known = None

    def _value_step(self) -> Metrics:
        critic, batch = self.critic.module, self._drawn()
        at = batch.chosen(critic.trunk)
        heads, value = [batch.spread(head(at)) for head in critic.actions], batch.spread(critic.state(at)[:, 0])
        target, best, expectile = batch.to_go, batch.to_go, 0.5
        if not self._returns_left:
            fixed = self._ilql.target_every > 0
            target, best = self._fixed_targets(batch) if fixed else self._targets(batch, critic, value.detach())
            expectile = self._ilql.expectile
        q = q_loss(heads, batch.token, target, batch.weight)
        v = expectile_loss(best, value, expectile, batch.weight)
        conservative = conservative_loss(heads, batch.token, batch.weight)
        norm = self.critic.descend(q + v + self._ilql.cql_weight * conservative, self._rate)
        self._move_target()
        losses = {"q_loss": q, "v_loss": v, "conservative_loss": conservative, "value": value.mean()}
        return {**{name: loss.detach() for name, loss in losses.items()}, "gradient_norm": norm}

    def _move_target(self) -> None:
        every = self._ilql.target_every
        if self._returns_left:
            self._returns_left -= 1
            self._renew_target()
        elif not every:
            self._target.follow(self.critic.flat, self._ilql.target_rate)
        elif (self._steps + 1) % every == 0:
            self._renew_target()

    def _fixed_targets(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """What Q and what V learn, by the target alone; made once where the batch is the whole of the data."""
        if self._known is None or self._known[0] is not batch:
            with torch.no_grad():
                value = batch.spread(self.target.state(batch.chosen(self.target.trunk))[:, 0])
            self._known = batch, self._targets(batch, self.target, value)
        return self._known[1]

    @torch.no_grad()
    def _targets(self, batch: TokenBatch, critic: Critic, value: Tensor) -> tuple[Tensor, Tensor]:
        """What Q and what V learn, float32 (N,) each.

        Args:
            batch: of passages.
            critic: gives the next values.
            value: its V at the action tokens, float32 (N,).
        """
        after = critic.state(batch.ends(critic.trunk))[:, 0]
        best = of_token(batch.spread(self.target.least(batch.chosen(self.target.trunk))), batch.token)
        return backup(batch.reward, batch.next_values(value, after), self._ilql.discount), best

    def _speaking(self) -> Critic:
        return self.target

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {"target": self._target.values}

    def _progress(self) -> dict[str, int]:
        return super()._progress() | {"returns_left": self._returns_left}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        super()._resume(progress)
        self._returns_left = int(progress["returns_left"])


class Builder:
    """Entry point of the learner plug-in ``ilql``."""

    config_type = IlqlConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: IlqlConfig, rng: np.random.Generator) -> Ilql:
        """Learn values from the data."""
        return Ilql(spec, config, rng)
