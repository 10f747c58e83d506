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

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.variables import policy_variables
from vlmrl_ros.policies.networks.actor import initial_actor
from vlmrl_ros.policies.networks.actor_pass import ActorPass
from vlmrl_ros.policies.networks.captured import Captured
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.ensemble import initial_ensemble
from vlmrl_ros.policies.networks.ensemble_pass import EnsemblePass
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters
from vlmrl_ros.policies.networks.mlp import Product, Tape


@dataclass(frozen=True)
class Batch:
    """Transitions with states and actions normalised; float32 throughout. A block of U batches has one axis more.

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

    def __getitem__(self, index: int) -> Batch:
        """A batch of a block."""
        return Batch(
            self.state[index], self.action[index], self.reward[index], self.bootstrap[index], self.next_state[index]
        )


class Rlpd:
    """Networks, their optimisers, and the gradient steps, without autograd."""

    def __init__(self, spec: TaskSpec, config: RlpdConfig, rng: np.random.Generator, features: int = 0) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners.

        Args:
            spec: of the task.
            config: options.
            rng: draws the weights, and seeds the noise.
            features: how many stand beside the state, from what the cameras see.
        """
        self._config = config
        self.device = device_of(config.device)
        self.generator = torch_generator(rng, self.device)
        weights = torch_generator(rng)
        self._states, self._actions = spec.observation.size + features, spec.action.size
        self._target_entropy = config.target_entropy * self._actions
        self.actor = FlatParameters(initial_actor(self._states, self._actions, config.hidden, weights), self.device)
        inputs = self._states + self._actions
        ensemble = initial_ensemble(inputs, config.hidden, config.critics, weights, config.layer_norm)
        self.critics = FlatParameters(ensemble, self.device)
        self.temperature = FlatParameters({"log": torch.tensor([math.log(config.temperature)])}, self.device)
        self.actor_ema, self.target_critics = self.actor.copy(), self.critics.copy()
        nets = {"actor": self.actor, "critics": self.critics, "temperature": self.temperature}
        self._adam = {name: Adam(net, config.learning_rate) for name, net in nets.items()}
        product = Product(config.precision)
        self._actor_pass = ActorPass(self.actor, product)
        self._critics_pass, self._targets_pass = (EnsemblePass(c, product) for c in (self.critics, self.target_critics))
        self._captured = Captured(self._learn, self.device)
        self._chance: list[Tensor | None] | None = None

    @torch.no_grad()
    def update(self, block: Batch) -> dict[str, Tensor]:
        """A gradient step of the critics on each batch of a block, and one of the actor on the last.

        Args:
            block: transitions, with an axis for the batches; on CUDA the same tensors at every call.

        Returns:
            scalars for the log.
        """
        noise, last_noise, chosen = self._noise(block.next_state), self._noise(block.state[-1]), None
        if self._config.target_critics < self._config.critics:
            chosen = torch.stack([self._chosen() for _ in block.state])
        drawn = [noise, last_noise, chosen]
        if self._chance is None:
            self._chance = drawn
        for kept, new in zip(self._chance, drawn, strict=True):
            if kept is not None:
                kept.copy_(new)
        return self._captured(block, *self._chance)

    @torch.no_grad()
    def next_actions(self, next_state: Tensor) -> tuple[Tensor, Tensor]:
        """Sampled actions float32 (B, A) and log-likelihoods (B,) at normalised states float32 (B, N)."""
        return self._actor_pass.sample(next_state, self._noise(next_state))[:2]

    @torch.no_grad()
    def update_critics(self, batch: Batch, next_action: Tensor, next_log_likelihood: Tensor) -> dict[str, Tensor]:
        """One gradient step of all critics towards the bootstrapped target.

        Args:
            batch: transitions.
            next_action: float32 (B, A), see :meth:`next_actions`.
            next_log_likelihood: float32 (B,).

        Returns:
            scalars for the log.
        """
        chosen = self._chosen() if self._config.target_critics < self._config.critics else None
        pairs = ((batch.state, batch.action), (batch.next_state, next_action))
        inputs, ahead = (torch.cat(pair, -1) for pair in pairs)
        return _critic_metrics(*self._step_critics(inputs, ahead, *self._goal(batch, next_log_likelihood), chosen))

    @torch.no_grad()
    def update_actor(self, batch: Batch) -> dict[str, Tensor]:
        """One gradient step of the actor, and one of the temperature."""
        return self._step_actor(batch, self._noise(batch.state))

    def variables(self) -> Variables:
        """Copies of the weights that the policy needs."""
        return policy_variables(self.actor, self.actor_ema)

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        nets = {"actor": self.actor, "actor_ema": self.actor_ema, "critics": self.critics}
        nets |= {"target_critics": self.target_critics, "temperature": self.temperature}
        weights = {name: net.values for name, net in nets.items()}
        return weights | {f"{n}/{part}": t for n, adam in self._adam.items() for part, t in adam.state().items()}

    def _learn(self, block: Batch, next_noise: Tensor, noise: Tensor, chosen: Tensor | None) -> dict[str, Tensor]:
        # the actor rests while the critics learn
        next_action, next_log_likelihood = self._actor_pass.sample_block(block.next_state, next_noise)
        pairs = ((block.state, block.action), (block.next_state, next_action))
        columns = [*(torch.cat(pair, -1) for pair in pairs), *self._goal(block, next_log_likelihood)]
        for index in range(len(block.state)):
            members = None if chosen is None else chosen[index]
            fitted = self._step_critics(*(column[index] for column in columns), members)
        return _critic_metrics(*fitted) | self._step_actor(block[-1], noise)

    def _goal(self, batch: Batch, next_log_likelihood: Tensor) -> tuple[Tensor, Tensor]:
        """The target is the first plus the second times the value ahead; both float32 (..., B)."""
        weight = self._config.discount * batch.bootstrap[..., 0]
        if not self._config.entropy_backup:
            return batch.reward[..., 0], weight
        return batch.reward[..., 0] - weight * self.temperature.frozen["log"].exp() * next_log_likelihood, weight

    def _step_critics(
        self, inputs: Tensor, ahead: Tensor, reward: Tensor, weight: Tensor, chosen: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """One gradient step of all critics.

        Args:
            inputs: float32 (B, N + A), states and actions.
            ahead: float32 (B, N + A), the same one step later.
            reward: float32 (B,), see :meth:`_goal`.
            weight: float32 (B,), of the value ahead.
            chosen: int64 (target_critics,), whose least value that is; all without it.

        Returns:
            the values before the step and how far they were from the target, both float32 (E, B).
        """
        target = torch.addcmul(reward, weight, self._targets_pass.values(ahead, chosen).amin(0))
        if self._config.nonpositive_values:
            target.clamp_(max=0.0)
        predicted, tape = self._critics_pass.run(inputs)
        error = predicted - target
        # of the sum over the members of their mean squared errors: each learns as if alone
        self._descend(tape, error * (2.0 / len(target)))
        self._adam["critics"].step()
        self.target_critics.follow(self.critics, self._config.target_rate)
        return predicted, error

    def _descend(self, tape: Tape, slope: Tensor) -> None:
        """Write the gradients of the critics."""
        self._critics_pass.descend(tape, slope)

    def _step_actor(self, batch: Batch, noise: Tensor) -> dict[str, Tensor]:
        temperature = self.temperature.frozen["log"].exp()
        action, log_likelihood, tape = self._actor_pass.sample(batch.state, noise)
        values, critics_tape = self._critics_pass.run(torch.cat((batch.state, action), -1))
        worth, slope = self._worth(values)
        action_slope = self._critics_pass.input_slope(critics_tape, slope, slice(self._states, None))
        self._actor_pass.descend(tape, action_slope, temperature / len(action))
        self._adam["actor"].step()
        self.actor_ema.follow(self.actor, self._config.average_rate)
        entropy = -log_likelihood.mean()
        self.temperature.gradients.copy_((entropy - self._target_entropy) * temperature)
        self._adam["temperature"].step()
        loss = (temperature * log_likelihood - worth).mean()
        return {"actor_loss": loss, "entropy": entropy, "temperature": temperature[0]}

    def _worth(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """The value that the actor climbs, float32 (B,), and the derivative of minus its mean to all, (E, B)."""
        members, rows = values.shape
        if self._config.actor_value == "mean":
            return values.mean(0), torch.full_like(values, -1.0 / (members * rows))
        worth, least = values.min(0, keepdim=True)
        return worth[0], torch.zeros_like(values).scatter_(0, least, -1.0 / rows)

    def _chosen(self) -> Tensor:
        """The critics whose least value is the target, int64 (target_critics,)."""
        shuffled = torch.randperm(self._config.critics, generator=self.generator, device=self.device)
        return shuffled[: self._config.target_critics]

    def _noise(self, state: Tensor) -> Tensor:
        """Standard normal float32 (..., A) for states float32 (..., N)."""
        return torch.randn(*state.shape[:-1], self._actions, generator=self.generator, device=self.device)


def _critic_metrics(predicted: Tensor, error: Tensor) -> dict[str, Tensor]:
    return {"critic_loss": error.square().mean(), "value": predicted.mean()}
