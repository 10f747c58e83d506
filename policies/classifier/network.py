"""The network of the reward classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.encoders.chosen import build_encoder


class RewardClassifier(nn.Module):
    """One encoder for each camera, their tokens side by side, one hidden layer, one logit."""

    def __init__(self, cameras: Sequence[CameraSpec], config: ClassifierConfig, generator: torch.Generator) -> None:
        """Draw the weights.

        Args:
            cameras: those that are looked at.
            config: options.
            generator: draws the weights.

        Raises:
            UnknownNameError: no such encoder, or option of it.
            ConfigError: a bad option, or frames that the encoder cannot take.
        """
        super().__init__()
        made = {
            camera.name: build_encoder(config.encoder, config.encoder_options, camera, generator) for camera in cameras
        }
        self.encoders = nn.ModuleDict(made)
        inputs = sum(each.tokens * each.width for each in made.values())
        self.hidden, self.norm = nn.Linear(inputs, config.hidden), nn.LayerNorm(config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.logit = nn.Linear(config.hidden, 1)
        with torch.no_grad():
            for layer in (self.hidden, self.logit):
                layer.weight.uniform_(-1.0, 1.0, generator=generator).div_(layer.in_features**0.5)
                layer.bias.zero_()

    def forward(self, frames: Mapping[str, Tensor]) -> Tensor:
        """Logits of success, float32 (B,), of uint8 frames (B, H, W, 3) by camera."""
        tokens = [encoder.encode(frames[name]).flatten(1) for name, encoder in self.encoders.items()]
        x = torch.relu(self.norm(self.dropout(self.hidden(torch.cat(tokens, -1)))))
        return self.logit(x).squeeze(-1)
