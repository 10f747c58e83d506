"""ResNet-10 with spatial softmax: where in the frame is each feature?

Sources: He et al., Deep residual learning (2016), with one basic block a stage; Wu and He, Group normalization (2018),
for batches of correlated frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.policies.encoders.base import ImageEncoder, draw_weights, spatial_softmax


@dataclass(frozen=True)
class ResNet10Config:
    """Options of ``resnet10``."""

    channels: tuple[int, ...] = option((64, 128, 256, 512), "channels of the stages, multiples of groups", low=1)
    groups: int = option(4, "groups of each normalisation", low=1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int, groups: int) -> None:
        """Make the layers; the shortcut is a convolution where the shape changes."""
        super().__init__()
        self.conv_1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm_1 = nn.GroupNorm(groups, after)
        self.conv_2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm_2 = nn.GroupNorm(groups, after)
        same = stride == 1 and before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """float32 (B, before, H, W) to (B, after, H / stride, W / stride)."""
        y = relu(self.norm_1(self.conv_1(x)))
        return relu(self.norm_2(self.conv_2(y)) + self.shortcut(x))


class ResNet10(ImageEncoder):
    """A stem and one block a stage; each channel of the last map becomes a token: where it is brightest."""

    def __init__(self, height: int, width: int, config: ResNet10Config, generator: torch.Generator) -> None:
        """Draw the weights.

        Args:
            height: of the frames, pixels.
            width: of the frames, pixels.
            config: options.
            generator: draws the weights.

        Raises:
            ConfigError: channels that the groups do not divide.
        """
        super().__init__(height, width, to_mapping(config))
        if not config.channels or any(number % config.groups for number in config.channels):
            raise ConfigError(f"resnet10.channels is {list(config.channels)}; valid: multiples of {config.groups}")
        first = config.channels[0]
        stem = nn.Conv2d(3, first, 7, 2, padding=3, bias=False)
        self.stem = nn.Sequential(stem, nn.GroupNorm(config.groups, first), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        stages = [BasicBlock(first, first, 1, config.groups)]
        stages += [BasicBlock(before, after, 2, config.groups) for before, after in pairwise(config.channels)]
        self.stages = nn.Sequential(*stages)
        self.log_temperature = nn.Parameter(torch.zeros(()))
        draw_weights(self, generator)
        self._measure()

    def _tokens(self, pixels: Tensor) -> Tensor:
        return spatial_softmax(self.stages(self.stem(pixels)), self.log_temperature.exp())


def build(height: int, width: int, config: Mapping[str, Any], generator: torch.Generator) -> ResNet10:
    """Entry point of the encoder plug-in ``resnet10``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value.
    """
    return ResNet10(height, width, from_mapping(ResNet10Config, config, "resnet10"), generator)
