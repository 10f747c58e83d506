"""The SAC update. Source: Haarnoja et al., Soft actor-critic (2018), eqs. 5 to 7 and 18."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.episodic.actor_critic import ActorCritic, Batch, calibration
from vlmrl_ros.policies.learners.sac.config import SacConfig
from vlmrl_ros.policies.networks.actor import sample
from vlmrl_ros.policies.networks.ensemble import values
from vlmrl_ros.policies.networks.flat import Parameters


class Sac(ActorCritic):
    """Critics towards the soft bootstrapped value, an actor that climbs them, an adaptive temperature."""

    _config: SacConfig

    def __init__(
        self,
        spec: TaskSpec,
        config: SacConfig,
        rng: np.random.Generator,
        more: dict[str, Parameters] | None = None,
    ) -> None:
        """Draw the initial weights; ``more`` as in :class:`ActorCritic`."""
        temperature = {"log": torch.tensor([math.log(config.temperature)])}
        super().__init__(spec, config, rng, {"temperature": temperature, **(more or {})})
        self._target_entropy = config.target_entropy * self._actions

    @property
    def temperature(self) -> Tensor:
        """Weight of the entropy, float32 (1,)."""
        return self.more["temperature"].frozen["log"].exp()

    def update(self, block: Batch, online: bool) -> dict[str, Tensor]:
        """See :meth:`ActorCritic.update`."""
        with torch.no_grad():  # the actor rests while the critics learn, so one call serves all their batches
            ahead = sample(self.actor.frozen, block.next_state, self._noise(*block.next_state.shape[:-1]))
        for index in range(len(block.state)):
            batch = block[index]
            metrics = self._regress(batch, self._target(batch, *(part[index] for part in ahead)))
        return metrics | self._climb(batch)

    @torch.no_grad()
    def _target(self, batch: Batch, action: Tensor, log_likelihood: Tensor) -> Tensor:
        """Bootstrapped value float32 (B,), with actions (B, A) and log-likelihoods (B,) at the next states."""
        ahead = values(self.target_critics.frozen, batch.next_state, action).amin(0)
        if self._config.entropy_backup:
            ahead = ahead - self.temperature * log_likelihood
        return self._bootstrapped(batch, ahead)

    def _climb(self, batch: Batch) -> dict[str, Tensor]:
        """One gradient step of the actor, and one of the temperature."""
        temperature = self.temperature
        action, log_likelihood = sample(self.actor.trainable, batch.state, self._noise(len(batch.state)))
        worth = values(self.critics.frozen, batch.state, action).amin(0)
        loss = (temperature * log_likelihood - worth).mean()
        self._step_actor(loss)
        entropy = -log_likelihood.detach().mean()
        self.more["temperature"].gradients.copy_((entropy - self._target_entropy) * temperature)
        self._adam["temperature"].step()
        return {
            "actor_loss": loss.detach(),
            "entropy": entropy,
            "temperature": temperature[0],
            **calibration(worth.detach(), batch),
        }
