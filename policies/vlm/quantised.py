"""Linear layers whose weights are kept in eight or four bits; what they compute in stays what it was.

The weights alone are rounded, and equally on every device, so that a learner scores an answer as the policy drew it.
They are made whole again in each pass, which saves memory and costs time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vlmrl_ros.core.errors import ConfigError

GROUP = 32
"""Weights of four bits that share a scale and a least value, as in the format Q4_1 of GGUF."""


class QuantisedLinear(nn.Linear):
    """A linear layer without a weight that could be trained; a LoRA adapter takes it for any other."""

    def __init__(self, layer: nn.Linear) -> None:
        """Take the place of a layer, whose bias it keeps."""
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.bias = layer.bias

    @property
    def weight(self) -> Tensor:
        """What is kept, made whole, float32 (outputs, inputs)."""
        return self.whole(torch.float32).t()

    def whole(self, dtype: torch.dtype) -> Tensor:
        """What is kept as a weight of this type, (inputs, outputs)."""
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  its base class has that name
        """As :class:`torch.nn.Linear`."""
        product = _Product.apply(input, self)
        return product if self.bias is None else product + self.bias


class Int8Linear(QuantisedLinear):
    """Each output has a scale, float32, by which its greatest weight is 127."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        weight = layer.weight.detach().float().t()
        scale = weight.abs().amax(0).clamp_min(torch.finfo(torch.float32).tiny) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("kept", (weight / scale).round().to(torch.int8).contiguous())

    def whole(self, dtype: torch.dtype) -> Tensor:
        return self.kept.to(dtype).mul_(self.scale.to(dtype))


class Int4Linear(QuantisedLinear):
    """Each :data:`GROUP` of the inputs of an output has a scale and a least value, float16; two weights are a byte."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        groups = layer.weight.detach().float().t().unflatten(0, (-1, GROUP))
        least = groups.amin(1, keepdim=True).half()
        scale = ((groups.amax(1, keepdim=True) - least.float()) / 15).half()
        steps = ((groups - least.float()) / scale.float().clamp_min(torch.finfo(torch.float16).tiny)).round()
        low, high = steps.clamp_(0, 15).to(torch.uint8).chunk(2, 1)
        self.register_buffer("least", least.contiguous())
        self.register_buffer("scale", scale.contiguous())
        self.register_buffer("kept", (low | high << 4).contiguous())

    def whole(self, dtype: torch.dtype) -> Tensor:
        groups = torch.cat([self.kept & 15, self.kept >> 4], 1).to(dtype)
        return groups.mul_(self.scale.to(dtype)).add_(self.least.to(dtype)).flatten(0, 1)


KINDS: dict[str, type[QuantisedLinear]] = {"int8": Int8Linear, "int4": Int4Linear}


def quantise(language: nn.Module, kind: str) -> None:
    """Put quantised layers in the place of all linear ones.

    Args:
        language: the language model, without its head.
        kind: of :data:`KINDS`.

    Raises:
        ConfigError: four bits for a layer that cannot be split into groups.
    """
    for name, layer in list(language.named_modules()):
        if type(layer) is not nn.Linear:
            continue
        if kind == "int4" and layer.in_features % GROUP:
            raise ConfigError(
                f"quantisation is int4 and layer '{name}' has {layer.in_features} inputs; valid: a multiple of "
                f"{GROUP}, or int8"
            )
        parent, _, own = name.rpartition(".")
        setattr(language.get_submodule(parent), own, KINDS[kind](layer))


class _Product(torch.autograd.Function):
    """Remembers for the gradient what is kept instead of the weight."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, layer: QuantisedLinear) -> Tensor:
        ctx.layer = layer
        return given @ layer.whole(given.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient @ ctx.layer.whole(gradient.dtype).t(), None
