"""The convolutions of the DQN paper: small, fast, trained from scratch with the critics.

Source: Mnih et al., Human-level control through deep reinforcement learning (Nature 2015), "Model architecture".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.policies.encoders.base import ImageEncoder, convolutions, draw_weights

KERNELS, STRIDES = (8, 4, 3), (4, 2, 1)
SMALLEST = 36
"""Below this height or width, pixels, nothing is left after the last convolution."""


@dataclass(frozen=True)
class NatureCnnConfig:
    """Options of ``nature_cnn``."""

    channels: tuple[int, ...] = option((32, 64, 64), "channels of the three convolutions", low=1)


class NatureCnn(ImageEncoder):
    """Three convolutions; each place of the last map is a token."""

    def __init__(self, height: int, width: int, config: NatureCnnConfig, generator: torch.Generator) -> None:
        """Draw the weights.

        Args:
            height: of the frames, pixels.
            width: of the frames, pixels.
            config: options.
            generator: draws the weights.

        Raises:
            ConfigError: frames too small, or not three numbers of channels.
        """
        super().__init__(height, width, to_mapping(config))
        layers = convolutions("nature_cnn", (height, width), SMALLEST, config.channels, KERNELS, STRIDES)
        self.layers = nn.Sequential(*layers)
        draw_weights(self, generator)
        self._measure()

    def _tokens(self, pixels: Tensor) -> Tensor:
        return self.layers(pixels).flatten(2).transpose(1, 2)


def build(height: int, width: int, config: Mapping[str, Any], generator: torch.Generator) -> NatureCnn:
    """Entry point of the encoder plug-in ``nature_cnn``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or frames that are too small.
    """
    return NatureCnn(height, width, from_mapping(NatureCnnConfig, config, "nature_cnn"), generator)
