"""An actor, its critics and their optimisers: what the updates of the offline-to-online learners stand on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.config import feature_width
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.eyes import Eyes, Frames
from vlmrl_ros.policies.learners.variables import policy_variables
from vlmrl_ros.policies.networks.actor import initial_actor
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters, Parameters


@dataclass(frozen=True)
class Batch:
    """Transitions with states and actions normalised; float32 throughout.

    A block of several batches has one more axis in front.

    Attributes:
        state: (B, N).
        action: (B, A), in [-1, 1].
        reward: (B, 1), scaled.
        bootstrap: (B, 1), 0 where the episode terminated.
        next_state: (B, N).
        return_to_go: (B, 1), discounted sum of the rewards from this step on.
    """

    state: Tensor
    action: Tensor
    reward: Tensor
    bootstrap: Tensor
    next_state: Tensor
    return_to_go: Tensor

    def __getitem__(self, index: int) -> Batch:
        """One batch of a block."""
        return Batch(**{name: column[index] for name, column in vars(self).items()})


class ActorCritic(ABC):
    """Networks, their optimisers, and the steps that all methods share."""

    def __init__(
        self, spec: TaskSpec, config: EpisodicConfig, rng: np.random.Generator, more: Mapping[str, Parameters] = {}
    ) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners.

        Args:
            spec: of the task.
            config: options.
            rng: seeds weights and noise.
            more: initial parameters of further networks, which learn at the rate of the actor.

        Raises:
            UnknownNameError: no such encoder.
            ConfigError: frames that the encoder cannot take.
        """
        self._config = config
        self.device = device_of(config.device)
        self.generator = torch_generator(rng, self.device)
        weights = torch_generator(rng)
        self._eyes: Eyes | None = None
        if spec.cameras:
            self._eyes = Eyes(spec.cameras, config, config.critic_learning_rate, weights, self.device)
        self._shown: list[Tensor] = []
        """The states of a block with what was seen beside them; the critics' loss alone has a gradient to these."""
        state, self._actions = spec.observation.size + feature_width(spec, config), spec.action.size
        self.actor = FlatParameters(initial_actor(state, self._actions, config.hidden, weights), self.device)
        inputs = state + self._actions
        critics = initial_ensemble(inputs, config.hidden, config.critics, weights, config.layer_norm)
        self.critics = FlatParameters(critics, self.device)
        self.actor_ema, self.target_critics = self.actor.copy(), self.critics.copy()
        self.more = {name: FlatParameters(parameters, self.device) for name, parameters in more.items()}
        rates = {"actor": config.learning_rate, "critics": config.critic_learning_rate}
        self._nets = {"actor": self.actor, "critics": self.critics, **self.more}
        self._adam = {name: Adam(net, rates.get(name, config.learning_rate)) for name, net in self._nets.items()}

    def learn(self, block: Batch, frames: Sequence[tuple[Frames, Frames]], online: bool) -> dict[str, Tensor]:
        """:meth:`update`, with what the cameras saw beside the states. Only the critics' loss reaches the encoders.

        Args:
            block: ``critic_updates`` batches, without what the cameras saw.
            frames: of each batch, at both ends of the transitions; without cameras they hold nothing.
            online: the robot has lived through an episode of its own.

        Returns:
            scalars for the log.
        """
        if self._eyes is None:
            return self.update(block, online)
        seen = torch.stack([self._eyes.see(before, self.generator) for before, _ in frames])
        ahead = torch.stack([self._eyes.look(after, self.generator) for _, after in frames])
        state = torch.cat((block.state, seen.detach()), -1).requires_grad_()
        self._shown = [state]
        metrics = self.update(replace(block, state=state, next_state=torch.cat((block.next_state, ahead), -1)), online)
        if state.grad is not None:
            self._eyes.learn(seen, state.grad[..., -self._eyes.width :])
        self._eyes.follow(self._config.average_rate)
        return metrics

    @abstractmethod
    def update(self, block: Batch, online: bool) -> dict[str, Tensor]:
        """A gradient step of the critics on each batch of a block, and one of the actor on the last.

        Args:
            block: ``critic_updates`` batches.
            online: the robot has lived through an episode of its own.

        Returns:
            scalars for the log.
        """

    def variables(self) -> Variables:
        """Copies of the weights that the policy needs."""
        return {**policy_variables(self.actor, self.actor_ema), **(self._eyes.variables() if self._eyes else {})}

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        nets = {**self._nets, "actor_ema": self.actor_ema, "target_critics": self.target_critics}
        weights = {name: net.values for name, net in nets.items()}
        moments = {f"{n}/{part}": t for n, adam in self._adam.items() for part, t in adam.state().items()}
        return {**weights, **moments, **(self._eyes.tensors() if self._eyes else {})}

    def _noise(self, *shape: int) -> Tensor:
        """Standard normal float32 (..., A)."""
        return torch.randn(*shape, self._actions, generator=self.generator, device=self.device)

    def _descend(self, net: str, loss: Tensor, shown: Sequence[Tensor] = ()) -> None:
        """One step of Adam of this network alone; the gradient to what was ``shown`` is added up there."""
        adam = self._adam[net]
        adam.zero()
        loss.backward(inputs=[*self._nets[net].trainable.values(), *shown])
        adam.step()

    def _step_critics(self, loss: Tensor) -> None:
        """One gradient step of the critics; their targets follow."""
        self._descend("critics", loss, self._shown)
        self.target_critics.follow(self.critics, self._config.target_rate)

    def _step_actor(self, loss: Tensor) -> None:
        """One gradient step of the actor; its average follows."""
        self._descend("actor", loss)
        self.actor_ema.follow(self.actor, self._config.average_rate)

    def _bootstrapped(self, batch: Batch, ahead: Tensor) -> Tensor:
        """Reward and the discounted value float32 (B,) of the next state, float32 (B,)."""
        return batch.reward[:, 0] + self._config.discount * batch.bootstrap[:, 0] * ahead

    def _regress(self, batch: Batch, target: Tensor) -> dict[str, Tensor]:
        """One step of all critics towards targets float32 (B,); returns their loss and value."""
        predicted = values(self.critics.trainable, batch.state, batch.action)
        # the sum over the members: each has the gradient that it would have alone
        loss = mse_loss(predicted, target.expand_as(predicted)) * len(predicted)
        self._step_critics(loss)
        return {"critic_loss": loss.detach() / len(predicted), "value": predicted.detach().mean()}


def calibration(policy_value: Tensor, batch: Batch) -> dict[str, Tensor]:
    """How the values compare with what was lived.

    Args:
        policy_value: float32 (B,), the critics' value of the actor's own action at each state.
        batch: of the same states.

    Returns:
        mean return, and by how much the policy's value is above it: below 0 the critic is not calibrated (Cal-QL,
        definition 4.1, with the behaviour's return as the reference).
    """
    returns = batch.return_to_go[:, 0]
    return {"return_to_go": returns.mean(), "calibration_gap": (policy_value - returns).mean()}
