"""The AWAC update. Source: Nair et al., AWAC: accelerating online RL with offline datasets (2020), algorithm 1."""

from __future__ import annotations

import torch
from torch import Tensor

from vlmrl_ros.policies.learners.awac.config import AwacConfig
from vlmrl_ros.policies.learners.episodic.actor_critic import ActorCritic, Batch, calibration
from vlmrl_ros.policies.networks.actor import sample
from vlmrl_ros.policies.networks.ensemble import values
from vlmrl_ros.policies.networks.likelihood import log_likelihood


class Awac(ActorCritic):
    """Critics towards the bootstrapped value of the policy, an actor that regresses the data by its advantage."""

    _config: AwacConfig

    def update(self, block: Batch, online: bool) -> dict[str, Tensor]:
        """See :meth:`ActorCritic.update`."""
        with torch.no_grad():
            ahead, _ = sample(self.actor.frozen, block.next_state, self._noise(*block.next_state.shape[:-1]))
        for index in range(len(block.state)):
            batch = block[index]
            metrics = self._regress(batch, self._target(batch, ahead[index]))
        value, advantage = self._advantage(batch)
        weight = (advantage / self._config.advantage_scale).exp().clamp(max=self._config.greatest_weight)
        loss = -(weight * log_likelihood(self.actor.trainable, batch.state, batch.action)).mean()
        self._step_actor(loss)
        return metrics | {"actor_loss": loss.detach(), "weight": weight.mean(), **calibration(value, batch)}

    @torch.no_grad()
    def _target(self, batch: Batch, action: Tensor) -> Tensor:
        return self._bootstrapped(batch, values(self.target_critics.frozen, batch.next_state, action).amin(0))

    @torch.no_grad()
    def _advantage(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Value of each state under the policy, and advantage of the data's action, float32 (B,) each."""
        drawn, size = self._config.sampled_actions, len(batch.state)
        policy, _ = sample(self.actor.frozen, batch.state, self._noise(drawn, size))
        actions = torch.cat((batch.action[None], policy))
        states = batch.state.expand(1 + drawn, -1, -1)
        q = values(self.critics.frozen, states.flatten(0, 1), actions.flatten(0, 1)).amin(0).unflatten(0, (-1, size))
        value = q[1:].mean(0)
        return value, q[0] - value
