"""PPO whose actions are tokens: rewards less the distance from a clone, generalised advantages, clipped losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.losses import of_token
from vlmrl_ros.policies.language.passages import Ints, PassageMemory, TokenBatch, passages_of
from vlmrl_ros.policies.language.trainee import Trainee, in_one_buffer
from vlmrl_ros.policies.learners.language.learner import episode_of, plain_of
from vlmrl_ros.policies.learners.language.online import OnlineLearner
from vlmrl_ros.policies.learners.lm_ppo.config import LmPpoConfig
from vlmrl_ros.policies.vlm.ppo_loss import advantages, policy_loss, value_loss

Losses = dict[str, float]
JUDGED = 256
"""Passages that are judged at once; with 1024, texts of 55 tokens take almost twice as long."""


@dataclass(frozen=True)
class Lived:
    """The action tokens of own episodes as they were when they were said, float32 (N,) each."""

    log_prob: Tensor
    value: Tensor
    advantage: Tensor
    value_target: Tensor


class LmPpo(OnlineLearner):
    """Source: Schulman et al., PPO (arXiv 1707.06347); on tokens as in LMRL-Gym (arXiv 2311.18232)."""

    def __init__(self, spec: TextSpec, config: LmPpoConfig, rng: np.random.Generator) -> None:
        """Make the model, what it must stay near to, and its values."""
        super().__init__("lm_ppo", spec, config, rng, config.discount)
        self._ppo = config
        critic = Critic(self.clone.module, 0, True, self._generator)
        self.critic = Trainee(critic, config.learning_rate, config.max_gradient)
        self._near = deepcopy(self.clone.module).requires_grad_(False)
        self._near_flat = in_one_buffer(self._near)
        self._data, self._given = self._memory, list[TextEpisode]()
        self._valued = False

    def _begin(self) -> None:
        if self._ppo.bc_weight:
            self._data, self._given = self._memory, self._episodes
        super()._begin()
        self._near_flat.values.copy_(self.clone.flat.values)
        for mine, its in zip(self.critic.module.trunk.parameters(), self.clone.module.parameters(), strict=True):
            mine.data.copy_(its.data)

    def _learn(self) -> Mapping[str, float]:
        returns = [episode.undiscounted_return for episode in self._episodes]
        lived, kl = self._lived()
        if not self._valued:
            for index in self._minibatches(self._ppo.value_epochs):
                self._value_step(self._memory.batch(index), lived, np.inf)
            self._valued = True
            lived, kl = self._lived()
        losses = [self._both_steps(self._memory.batch(index), lived) for index in self._minibatches(self._ppo.epochs)]
        self._steps += len(losses)
        self._forget()
        means = {name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]}
        return {**means, "kl_to_clone": kl, "task_return": float(np.mean(returns))}

    def _minibatches(self, epochs: int) -> Iterator[Ints]:
        count, size = len(self._memory), self._ppo.batch_size
        for _ in range(epochs):
            order = self._rng.permutation(count)
            yield from np.split(order, range(size, count, size))

    @torch.no_grad()
    def _lived(self) -> tuple[Lived, float]:
        """Likelihoods, values and advantages of all tokens; the mean distance from the clone in nats."""
        count = len(self._memory)
        parts = [
            self._judged(self._memory.batch(index)) for index in np.array_split(np.arange(count), -(-count // JUDGED))
        ]
        log_prob, near, reward, value, following = (torch.cat(part) for part in zip(*parts, strict=True))
        last = np.zeros(len(reward), bool)
        last[self._memory.token_ends(np.array(self._ends)) - 1] = True
        rewards = self._ppo.reward_scale * reward - self._ppo.kl_weight * (log_prob - near)
        columns = (rewards, value, following)
        made, goal = advantages(
            *(column.numpy()[:, None] for column in columns),
            np.zeros((len(reward), 1), bool),  # values of what never follows are 0 already
            last[:, None],
            self._ppo.discount,
            self._ppo.trace,
        )
        advantage = (made - made.mean()) / (made.std() + 1e-5)
        whole = Lived(log_prob, value, torch.from_numpy(advantage[:, 0]), torch.from_numpy(goal[:, 0]))
        return whole, float((log_prob - near).mean())

    def _judged(self, batch: TokenBatch) -> tuple[Tensor, ...]:
        """Log-probability now and of the clone, reward, value, value at the next action token, float32 (N,) each."""
        critic = self.critic.module
        value, after = self._values(batch), critic.state(batch.ends(critic.trunk))[:, 0]
        near = self._log_prob(self._near, batch)
        return self._log_prob(self.clone.module, batch), near, batch.reward, value, batch.next_values(value, after)

    def _log_prob(self, model: Any, batch: TokenBatch) -> Tensor:
        """Of the tokens that were said, at the temperature at which they were drawn, float32 (N,)."""
        log_prob = torch.log_softmax(model.logits(batch.chosen(model)) / self._ppo.temperature, -1)
        return of_token(batch.spread(log_prob), batch.token)

    def _values(self, batch: TokenBatch) -> Tensor:
        critic = self.critic.module
        return batch.spread(critic.state(batch.chosen(critic.trunk))[:, 0])

    def _both_steps(self, batch: TokenBatch, lived: Lived) -> Losses:
        log_prob = self._log_prob(self.clone.module, batch)
        loss = policy_loss(log_prob, lived.log_prob[batch.number], lived.advantage[batch.number], self._ppo.clip)
        if self._ppo.bc_weight:
            drawn = self._rng.integers(len(self._data), size=self._ppo.batch_size)
            loss = loss + self._ppo.bc_weight * self._cloning_loss(self._data.batch(drawn))
        norm = self.clone.descend(loss)
        value = self._value_step(batch, lived, self._ppo.clip)
        return {"policy_loss": loss.item(), "value_loss": value, "gradient_norm": norm.item()}

    def _value_step(self, batch: TokenBatch, lived: Lived, clip: float) -> float:
        numbers = batch.number
        loss = value_loss(self._values(batch), lived.value[numbers], lived.value_target[numbers], clip)
        self.critic.descend(loss)
        return loss.item()

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | self.critic.tensors("critic") | {"near": self._near_flat.values}

    def _progress(self) -> dict[str, Any]:
        given = [plain_of(episode) for episode in self._given]
        return super()._progress() | {"valued": self._valued, "given": given}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        super()._resume(progress)
        self._valued, self._given = bool(progress["valued"]), [episode_of(one) for one in progress["given"]]
        self._data = PassageMemory()
        for episode in self._given:
            for passage in passages_of(episode, self.tokenizer, self._discount):
                self._data.add(passage)
