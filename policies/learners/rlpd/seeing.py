"""RLPD from pixels: an encoder that learns from the critics, and an actor that uses what it sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.eyes import Eyes, Frames
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.rlpd.learning import Batch, Rlpd
from vlmrl_ros.policies.networks.compute import device_of, torch_generator
from vlmrl_ros.policies.networks.mlp import Tape


class SeeingRlpd(Rlpd):
    """The features of the frames stand beside the state. Only the critics' loss reaches the encoder.

    Source: Yarats et al., DrQ-v2 (2021), section 3.1: no gradient from the actor.
    """

    def __init__(self, spec: TaskSpec, config: RlpdConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights; equal ``rng`` states give equal learners.

        Raises:
            UnknownNameError: no such encoder.
            ConfigError: frames that the encoder cannot take.
        """
        weights, device = torch_generator(rng), device_of(config.device)
        self.eyes = Eyes(spec.cameras, config, config.learning_rate, weights, device)
        super().__init__(spec, config, rng, self.eyes.width)
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
            seen = self.eyes.see(before, self.generator)
            batch = self._beside(block[index], seen.detach(), self.eyes.look(after, self.generator))
            metrics = self.update_critics(batch, *self.next_actions(batch.next_state))
            self.eyes.learn(seen, self._slope)
        metrics |= self.update_actor(batch)
        self.eyes.follow(self._config.average_rate)
        return metrics

    def variables(self) -> Variables:
        return {**super().variables(), **self.eyes.variables()}

    def tensors(self) -> Mapping[str, Tensor]:
        return {**super().tensors(), **self.eyes.tensors()}

    def _descend(self, tape: Tape, slope: Tensor) -> None:
        super()._descend(tape, slope)
        width = self.eyes.width
        self._slope = self._critics_pass.input_slope(tape, slope, slice(self._states - width, self._states))

    @staticmethod
    def _beside(batch: Batch, seen: Tensor, ahead: Tensor) -> Batch:
        state, next_state = torch.cat((batch.state, seen), -1), torch.cat((batch.next_state, ahead), -1)
        return replace(batch, state=state, next_state=next_state)
