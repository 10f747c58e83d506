"""The cloning update: least squares between the mode of the actor and what the person did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor
from torch.nn.functional import mse_loss

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.gaussian import LOG_STD_MIN
from vlmrl_ros.policies.learners.bc.config import BcConfig
from vlmrl_ros.policies.networks.actor import initial_actor, mode
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters


class Cloning:
    """An actor and its gradient step. A clone does not explore: its standard deviation stays at the floor."""

    def __init__(self, spec: TaskSpec, config: BcConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners."""
        self._config = config
        initial = initial_actor(spec.observation.size, spec.action.size, config.hidden, torch_generator(rng))
        initial["log_std/weight"].zero_()
        initial["log_std/bias"].fill_(LOG_STD_MIN)
        self.device = device_of(config.device)
        self.actor = FlatParameters(initial, self.device)
        self.actor_ema = self.actor.copy()
        self._adam = Adam(self.actor, config.learning_rate)

    def update(self, state: Tensor, action: Tensor) -> dict[str, Tensor]:
        """One gradient step.

        Args:
            state: float32 (B, N), normalised.
            action: float32 (B, A), what the person did, in [-1, 1].

        Returns:
            the mean squared error before the step.
        """
        self._adam.zero()
        loss = mse_loss(mode(self.actor.trainable, state), action)
        loss.backward()
        self._adam.step()
        self.actor_ema.follow(self.actor, self._config.average_rate)
        return {"cloning_loss": loss.detach()}

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        moments = {f"actor/{part}": tensor for part, tensor in self._adam.state().items()}
        return {"actor": self.actor.values, "actor_ema": self.actor_ema.values} | moments
