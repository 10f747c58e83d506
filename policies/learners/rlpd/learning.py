"""The RLPD update: a critic ensemble with layer normalisation, a tanh-Gaussian actor, an adaptive temperature.

Sources: Haarnoja et al., Soft actor-critic (2018), eqs. 5 to 7 and 18; Ball et al., RLPD (2023), algorithm 1;
Chen et al., REDQ (2021), for the least value over a random subset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.networks.actor import initial_actor, sample
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters


@dataclass(frozen=True)
class Batch:
    """Transitions with states and actions normalised; float32 throughout.

    Attributes:
        state: (B, N).
        action: (B, A), in [-1, 1].
        reward: (B, 1).
        bootstrap: (B, 1), 0 where the episode terminated.
        next_state: (B, N).
    """

    state: Tensor
    action: Tensor
    reward: Tensor
    bootstrap: Tensor
    next_state: Tensor


class Rlpd:
    """Networks, their optimisers, and the two gradient steps."""

    def __init__(self, spec: TaskSpec, config: RlpdConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners."""
        self._config = config
        self.device = device_of(config.device)
        self.generator = torch_generator(rng, self.device)
        weights = torch_generator(rng)
        state, self._actions = spec.observation.size, spec.action.size
        self._target_entropy = config.target_entropy * self._actions
        self.actor = FlatParameters(initial_actor(state, self._actions, config.hidden, weights), self.device)
        ensemble = initial_ensemble(state + self._actions, config.hidden, config.critics, weights)
        self.critics = FlatParameters(ensemble, self.device)
        self.temperature = FlatParameters({"log": torch.tensor([math.log(config.temperature)])}, self.device)
        self.actor_ema, self.target_critics = self.actor.copy(), self.critics.copy()
        nets = {"actor": self.actor, "critics": self.critics, "temperature": self.temperature}
        self._adam = {name: Adam(net, config.learning_rate) for name, net in nets.items()}

    @torch.no_grad()
    def next_actions(self, next_state: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled actions float32 (..., A) and log-likelihoods (...,) at normalised states float32 (..., N).

        The actor rests while the critics learn, so one call serves all their batches.
        """
        return sample(self.actor.frozen, next_state, self._noise(next_state))

    def update_critics(self, batch: Batch, next_action: Tensor, next_log_likelihood: Tensor) -> dict[str, Tensor]:
        """One gradient step of all critics towards the bootstrapped target.

        Args:
            batch: transitions.
            next_action: float32 (B, A), see :meth:`next_actions`.
            next_log_likelihood: float32 (B,).

        Returns:
            scalars for the log.
        """
        target = self._target(batch, next_action, next_log_likelihood)
        adam = self._adam["critics"]
        adam.zero()
        predicted = values(self.critics.trainable, batch.state, batch.action)
        # the sum over the members: each has the gradient that it would have alone
        loss = mse_loss(predicted, target.expand_as(predicted)) * len(predicted)
        loss.backward()
        adam.step()
        self.target_critics.follow(self.critics, self._config.target_rate)
        return {"critic_loss": loss.detach() / len(predicted), "value": predicted.detach().mean()}

    def update_actor(self, batch: Batch) -> dict[str, Tensor]:
        """One gradient step of the actor, and one of the temperature."""
        temperature = self.temperature.frozen["log"].exp()
        self._adam["actor"].zero()
        action, log_likelihood = sample(self.actor.trainable, batch.state, self._noise(batch.state))
        worth = values(self.critics.frozen, batch.state, action)
        worth = worth.amin(0) if self._config.actor_value == "min" else worth.mean(0)
        loss = (temperature * log_likelihood - worth).mean()
        loss.backward()
        self._adam["actor"].step()
        self.actor_ema.follow(self.actor, self._config.average_rate)
        entropy = -log_likelihood.detach().mean()
        self.temperature.gradients.copy_((entropy - self._target_entropy) * temperature)
        self._adam["temperature"].step()
        return {"actor_loss": loss.detach(), "entropy": entropy, "temperature": temperature[0]}

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        nets = {"actor": self.actor, "actor_ema": self.actor_ema, "critics": self.critics}
        nets |= {"target_critics": self.target_critics, "temperature": self.temperature}
        weights = {name: net.values for name, net in nets.items()}
        return weights | {f"{n}/{part}": t for n, adam in self._adam.items() for part, t in adam.state().items()}

    @torch.no_grad()
    def _target(self, batch: Batch, next_action: Tensor, next_log_likelihood: Tensor) -> Tensor:
        """Bootstrapped value of each transition, float32 (B,)."""
        config = self._config
        ahead = values(self.target_critics.frozen, batch.next_state, next_action)
        if config.target_critics < config.critics:
            shuffled = torch.randperm(config.critics, generator=self.generator, device=self.device)
            ahead = ahead[shuffled[: config.target_critics]]
        ahead = ahead.amin(0)
        if config.entropy_backup:
            ahead = ahead - self.temperature.frozen["log"].exp() * next_log_likelihood
        target = batch.reward[:, 0] + config.discount * batch.bootstrap[:, 0] * ahead
        return target.clamp(max=0.0) if config.nonpositive_values else target

    def _noise(self, state: Tensor) -> Tensor:
        """Standard normal float32 (..., A) for states float32 (..., N)."""
        return torch.randn(*state.shape[:-1], self._actions, generator=self.generator, device=self.device)
