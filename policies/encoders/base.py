"""What all encoders share: frames in, tokens out, weights that a generator draws."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from vlmrl_ros.core.errors import ConfigError, ShapeError


class ImageEncoder(nn.Module, ABC):
    """Turns frames of one size into tokens; fulfils :class:`~vlmrl_ros.core.interfaces.Encoder`.

    Attributes:
        tokens: N, how many tokens a frame becomes.
        width: D, numbers in a token.
        options: every option in force, by name.
    """

    def __init__(self, height: int, width: int, options: Mapping[str, Any]) -> None:
        """Note the size of the frames; the subclass makes its layers and then calls :meth:`_measure`."""
        super().__init__()
        self.options = options
        self._size = (height, width)

    def encode(self, image: Tensor) -> Tensor:
        """Encode frames.

        Args:
            image: uint8 (B, H, W, 3), RGB.

        Returns:
            float32 (B, N, D).

        Raises:
            ShapeError: frames of another size than the encoder was built for, or of another kind.
        """
        if image.dtype != torch.uint8 or image.ndim != 4 or image.shape[1:] != (*self._size, 3):
            height, width = self._size
            raise ShapeError(
                f"frames are {image.dtype} {tuple(image.shape)}; expected torch.uint8 (B, {height}, {width}, 3)"
            )
        return self._tokens(image.permute(0, 3, 1, 2).float().mul_(2.0 / 255.0).sub_(1.0))

    def forward(self, image: Tensor) -> Tensor:
        """The same as :meth:`encode`, for ``torch.func.functional_call``."""
        return self.encode(image)

    @abstractmethod
    def _tokens(self, pixels: Tensor) -> Tensor:
        """float32 (B, N, D) of pixels in [-1, 1], float32 (B, 3, H, W)."""

    def _measure(self) -> None:
        """Find the number and width of the tokens."""
        with torch.no_grad():
            found = self._tokens(torch.zeros(1, 3, *self._size))
        self.tokens, self.width = found.shape[1:]


def convolutions(
    name: str,
    size: tuple[int, int],
    least: int,
    channels: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
) -> list[nn.Module]:
    """Convolutions of RGB frames, each before a ReLU.

    Args:
        name: of the encoder.
        size: height and width of the frames, pixels.
        least: that either may have, pixels.
        channels: of each convolution.
        kernels: the same, pixels.
        strides: the same, pixels.

    Raises:
        ConfigError: frames too small, or not as many channels as kernels.
    """
    height, width = size
    if min(size) < least:
        raise ConfigError(f"frames are {height}x{width}; valid for {name}: {least}x{least} or larger")
    if len(channels) != len(kernels):
        raise ConfigError(f"{name}.channels is {list(channels)}; valid: {len(kernels)} numbers")
    layers: list[nn.Module] = []
    for (before, after), kernel, stride in zip(pairwise((3, *channels)), kernels, strides, strict=True):
        layers += [nn.Conv2d(before, after, kernel, stride), nn.ReLU()]
    return layers


def draw_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights anew: He's uniform law for those before a ReLU, biases 0; scales of norms stay 1.

    Source: He et al., Delving deep into rectifiers (2015), eq. 10.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def spatial_softmax(maps: Tensor, temperature: Tensor) -> Tensor:
    """Expected place of each channel under the softmax of its map.

    Source: Levine et al., End-to-end training of deep visuomotor policies (2016), section 5.1.

    Args:
        maps: float32 (B, C, H, W).
        temperature: scalar, above 0.

    Returns:
        float32 (B, C, 2): x to the right and y downwards, both in [-1, 1].
    """
    height, width = maps.shape[2:]
    share = torch.softmax(maps.flatten(2) / temperature, -1).unflatten(2, (height, width))
    x = torch.linspace(-1.0, 1.0, width, device=maps.device)
    y = torch.linspace(-1.0, 1.0, height, device=maps.device)
    return torch.stack(((share.sum(2) * x).sum(-1), (share.sum(3) * y).sum(-1)), -1)
