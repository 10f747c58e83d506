"""The cloning update: least squares between the mode of the actor and what the person did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.gaussian import LOG_STD_MIN
from vlmrl_ros.policies.learners.bc.config import BcConfig
from vlmrl_ros.policies.learners.config import feature_width
from vlmrl_ros.policies.learners.eyes import Eyes, Frames
from vlmrl_ros.policies.learners.variables import policy_variables
from vlmrl_ros.policies.networks.actor import initial_actor, mode
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters


class Cloning:
    """An actor and its gradient step. A clone does not explore: its standard deviation stays at the floor.

    What the cameras see stands beside the state, and the loss reaches the encoders.
    """

    def __init__(self, spec: TaskSpec, config: BcConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners.

        Raises:
            UnknownNameError: no such encoder.
            ConfigError: frames that the encoder cannot take.
        """
        self._config = config
        weights, self.device = torch_generator(rng), device_of(config.device)
        inputs = spec.observation.size + feature_width(spec, config)
        initial = initial_actor(inputs, spec.action.size, config.hidden, weights)
        initial["log_std/weight"].zero_()
        initial["log_std/bias"].fill_(LOG_STD_MIN)
        self.actor = FlatParameters(initial, self.device)
        self.actor_ema = self.actor.copy()
        self._adam = Adam(self.actor, config.learning_rate)
        self.generator = torch_generator(rng, self.device)
        self.eyes = Eyes(spec.cameras, config, config.learning_rate, weights, self.device) if spec.cameras else None

    def update(self, state: Tensor, action: Tensor, frames: Frames | None = None) -> dict[str, Tensor]:
        """One gradient step.

        Args:
            state: float32 (B, N), normalised.
            action: float32 (B, A), what the person did, in [-1, 1].
            frames: what the cameras saw, where the task has any.

        Returns:
            the mean squared error before the step.
        """
        self._adam.zero()
        if self.eyes is None or frames is None:
            loss = self._descend(state, action)
        else:
            seen = self.eyes.see(frames, self.generator)
            features = seen.detach().requires_grad_()
            loss = self._descend(torch.cat((state, features), -1), action)
            self.eyes.learn(seen, features.grad)
            self.eyes.follow(self._config.average_rate)
        self._adam.step()
        self.actor_ema.follow(self.actor, self._config.average_rate)
        return {"cloning_loss": loss}

    def variables(self) -> Variables:
        """Copies of the weights that the policy needs."""
        return {**policy_variables(self.actor, self.actor_ema), **(self.eyes.variables() if self.eyes else {})}

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        moments = {f"actor/{part}": tensor for part, tensor in self._adam.state().items()}
        weights = {"actor": self.actor.values, "actor_ema": self.actor_ema.values}
        return {**weights, **moments, **(self.eyes.tensors() if self.eyes else {})}

    def _descend(self, state: Tensor, action: Tensor) -> Tensor:
        loss = mse_loss(mode(self.actor.trainable, state), action)
        loss.backward()
        return loss.detach()
