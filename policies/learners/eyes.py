"""What a learner sees through: encoders that learn beside its networks, and what they are shown.

Source: Yarats et al., DrQ-v2 (2021), section 3.1: random shifts, and no second encoder for the targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.func import functional_call

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.encoders.augmentation import random_shift
from vlmrl_ros.policies.learners.config import SeeingConfig
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters
from vlmrl_ros.policies.networks.sight import AVERAGE, Sight

Frames = Mapping[str, Tensor]
"""uint8 (B, H, W, 3) by camera."""


class Eyes:
    """Sight, its optimiser and the random shifts.

    Attributes:
        width: number of features, of all cameras.
        weights: what is trained.
        average: the moving average of these, for the averaged actor: it could not read what the newest eyes say.
    """

    def __init__(
        self,
        cameras: Sequence[CameraSpec],
        config: SeeingConfig,
        learning_rate: float,
        weights: torch.Generator,
        device: torch.device,
    ) -> None:
        """Draw the initial weights.

        Args:
            cameras: those of the task.
            config: options.
            learning_rate: of Adam.
            weights: draws them.
            device: where they are.

        Raises:
            UnknownNameError: no such encoder, or option of it.
            ConfigError: a bad option, or frames that the encoder cannot take.
            CheckpointError: weights that are to be taken are missing or do not fit.
        """
        sight = Sight(cameras, config.encoder, config.latent, weights, config.encoder_options)
        if config.encoder_weights:
            sight.take_encoders(Path(config.encoder_weights))
        self._sight = sight.requires_grad_(False).to(device)
        trained = {n: p for n, p in self._sight.named_parameters() if config.train_encoder or "encoders." not in n}
        self.width = self._sight.width
        self.weights = FlatParameters(trained, device)
        self.average = self.weights.copy()
        self._adam = Adam(self.weights, learning_rate)
        self._shift_px = config.shift_px

    def see(self, frames: Frames, generator: torch.Generator) -> Tensor:
        """Features float32 (B, ``width``) of shifted frames, for :meth:`learn`; the generator draws the shifts."""
        return functional_call(self._sight, dict(self.weights.trainable), (self._shifted(frames, generator),))

    @torch.no_grad()
    def look(self, frames: Frames, generator: torch.Generator) -> Tensor:
        """The same without a gradient."""
        return functional_call(self._sight, dict(self.weights.frozen), (self._shifted(frames, generator),))

    def learn(self, seen: Tensor, slope: Tensor) -> None:
        """One gradient step.

        Args:
            seen: what :meth:`see` returned, float32 (..., ``width``).
            slope: derivative of the loss to it, of the same shape.
        """
        self._adam.zero()
        seen.backward(slope)
        self._adam.step()

    def follow(self, rate: float) -> None:
        """Move the average a fraction ``rate`` of the way, as the actor's moves."""
        self.average.follow(self.weights, rate)

    def variables(self) -> Variables:
        """Copies of the weights that the policy needs: for the newest actor and for the averaged one."""
        given = self._sight.state_dict()
        return {
            **self._sight.variables({**given, **self.weights.frozen}),
            **self._sight.variables({**given, **self.average.frozen}, AVERAGE),
        }

    def tensors(self) -> Mapping[str, Tensor]:
        """All that training changes, live, by name."""
        weights = {"sight": self.weights.values, "sight_ema": self.average.values}
        return {**weights, **{f"sight/{part}": t for part, t in self._adam.state().items()}}

    def _shifted(self, frames: Frames, generator: torch.Generator) -> Frames:
        if not self._shift_px:
            return frames
        return {name: random_shift(each, self._shift_px, generator) for name, each in frames.items()}
