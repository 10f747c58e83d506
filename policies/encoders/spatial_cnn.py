"""Three convolutions and a spatial softmax: where each feature is, for tasks in which millimetres tell.

Source: Levine et al., End-to-end training of deep visuomotor policies (2016), section 5.1, made small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.policies.encoders.base import ImageEncoder, convolutions, draw_weights, spatial_softmax

KERNELS, STRIDES = (5, 5, 3), (2, 2, 1)
SMALLEST = 25
"""Below this height or width, pixels, the last map has a single place."""


@dataclass(frozen=True)
class SpatialCnnConfig:
    """Options of ``spatial_cnn``."""

    channels: tuple[int, ...] = option((16, 32, 32), "channels of the three convolutions", low=1)


class SpatialCnn(ImageEncoder):
    """Each channel of the last map becomes a token: where it is brightest. What lies elsewhere is not seen."""

    def __init__(self, height: int, width: int, config: SpatialCnnConfig, generator: torch.Generator) -> None:
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
        layers = convolutions("spatial_cnn", (height, width), SMALLEST, config.channels, KERNELS, STRIDES)
        # the softmax does not feel what is added to a whole map, and sees nothing of what a ReLU cuts off
        self.layers = nn.Sequential(*layers[:-1])
        self.layers[-1].register_parameter("bias", None)
        self.log_temperature = nn.Parameter(torch.zeros(()))
        draw_weights(self, generator)
        self._measure()

    def _tokens(self, pixels: Tensor) -> Tensor:
        return spatial_softmax(self.layers(pixels), self.log_temperature.exp())


def build(height: int, width: int, config: Mapping[str, Any], generator: torch.Generator) -> SpatialCnn:
    """Entry point of the encoder plug-in ``spatial_cnn``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or frames that are too small.
    """
    return SpatialCnn(height, width, from_mapping(SpatialCnnConfig, config, "spatial_cnn"), generator)
