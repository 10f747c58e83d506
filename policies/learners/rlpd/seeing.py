"""RLPD from pixels: an encoder that learns from the critics, and an actor that uses what it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.encoders.augmentation import random_shift
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.rlpd.learning import Batch, Rlpd
from vlmrl_ros.policies.networks.compute import torch_generator
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters
from vlmrl_ros.policies.networks.mlp import Tape
from vlmrl_ros.policies.networks.sight import Sight

Frames = Mapping[str, Tensor]


class SeeingRlpd(Rlpd):
    """The features of the frames stand beside the state. Only the critics' loss reaches the encoder.

    Source: Yarats et al., DrQ-v2 (2021), section 3.1: random shifts, no gradient from the actor, and no second encoder
    for the targets.
    """

    def __init__(self, spec: TaskSpec, config: RlpdConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners.

        Raises:
            UnknownNameError: no such encoder.
            ConfigError: frames that the encoder cannot take.
        """
        self._sight = Sight(spec.cameras, config.encoder, config.latent, torch_generator(rng)).requires_grad_(False)
        super().__init__(spec, config, rng, self._sight.width)
        self._sight.to(self.device)
        trained = {n: p for n, p in self._sight.named_parameters() if config.train_encoder or "encoders." not in n}
        self._weights = FlatParameters(trained, self.device)
        self._adam["sight"] = Adam(self._weights, config.learning_rate)
        self._slope = torch.empty(0)

    def learn(self, block: Batch, frames: Sequence[tuple[Frames, Frames]]) -> dict[str, Tensor]:
        """A gradient step of critics and encoder on each batch of a block, and one of the actor on the last.

        Args:
            block: transitions, without what the cameras saw.
            frames: of each batch, uint8 (B, H, W, 3) by camera, at both ends of the transitions.

        Returns:
            scalars for the log.
        """
        metrics: dict[str, Tensor] = {}
        for index, (before, after) in enumerate(frames):
            seen = functional_call(self._sight, dict(self._weights.trainable), (self._shifted(before),))
            batch = self._beside(block[index], seen.detach(), self._see(after))
            metrics = self.update_critics(batch, *self.next_actions(batch.next_state))
            self._adam["sight"].zero()
            seen.backward(self._slope)
            self._adam["sight"].step()
        return metrics | self.update_actor(batch)

    def variables(self) -> Variables:
        weights = {**self._sight.state_dict(), **self._weights.frozen}
        return {**super().variables(), **self._sight.variables(weights)}

    def tensors(self) -> Mapping[str, Tensor]:
        return {**super().tensors(), "sight": self._weights.values}

    def _descend(self, tape: Tape, slope: Tensor) -> None:
        super()._descend(tape, slope)
        width = self._sight.width
        self._slope = self._critics_pass.input_slope(tape, slope, slice(self._states - width, self._states))

    @torch.no_grad()
    def _see(self, frames: Frames) -> Tensor:
        return functional_call(self._sight, dict(self._weights.frozen), (self._shifted(frames),))

    def _shifted(self, frames: Frames) -> Frames:
        pixels = self._config.shift_px
        return {name: random_shift(each, pixels, self.generator) for name, each in frames.items()} if pixels else frames

    @staticmethod
    def _beside(batch: Batch, seen: Tensor, ahead: Tensor) -> Batch:
        state, next_state = torch.cat((batch.state, seen), -1), torch.cat((batch.next_state, ahead), -1)
        return replace(batch, state=state, next_state=next_state)
