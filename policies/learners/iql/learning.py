"""The IQL update. Source: Kostrikov et al., Implicit Q-learning (2021), eqs. 5 to 7."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.config import feature_width
from vlmrl_ros.policies.learners.episodic.actor_critic import ActorCritic, Batch, calibration
from vlmrl_ros.policies.learners.iql.config import IqlConfig
from vlmrl_ros.policies.networks.compute import torch_generator
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.flat import Parameters
from vlmrl_ros.policies.networks.likelihood import log_likelihood


class Iql(ActorCritic):
    """State values at an expectile of the action values, critics towards these, an actor that regresses the data."""

    _config: IqlConfig

    def __init__(self, spec: TaskSpec, config: IqlConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights."""
        weights = torch_generator(rng)
        inputs = spec.observation.size + feature_width(spec, config)
        state = initial_ensemble(inputs, config.hidden, 1, weights, config.layer_norm)
        super().__init__(spec, config, rng, {"state_value": state})

    def update(self, block: Batch, online: bool) -> dict[str, Tensor]:
        """See :meth:`ActorCritic.update`."""
        for index in range(len(block.state)):
            batch = block[index]
            advantage, metrics = self._step_value(batch)
            metrics |= self._regress(batch, self._target(batch))
        log = log_likelihood(self.actor.trainable, batch.state, batch.action)
        weight = (self._config.inverse_temperature * advantage).exp().clamp(max=self._config.greatest_weight)
        loss = -(weight * log).mean()
        self._step_actor(loss)
        return metrics | {"actor_loss": loss.detach(), "weight": weight.mean()}

    def _step_value(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of the state value; returns the advantages before it, float32 (B,), and scalars for the log."""
        with torch.no_grad():
            q = values(self.target_critics.frozen, batch.state, batch.action).amin(0)
        value = self._state_value(self.more["state_value"].trainable, batch.state)
        loss = expectile_loss(q - value, self._config.expectile)
        self._descend("state_value", loss)
        return q - value.detach(), {"value_loss": loss.detach(), **calibration(value.detach(), batch)}

    @torch.no_grad()
    def _target(self, batch: Batch) -> Tensor:
        return self._bootstrapped(batch, self._state_value(self.more["state_value"].frozen, batch.next_state))

    @staticmethod
    def _state_value(network: Parameters, state: Tensor) -> Tensor:
        """float32 (B,) of states (B, N): a critic that is told of no action."""
        return values(network, state, state[:, :0])[0]


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Mean of the squared differences, those above 0 weighted by the expectile and those below by the rest."""
    weight = torch.where(difference > 0, expectile, 1.0 - expectile)
    return (weight * difference.square()).mean()
