"""Hidden layers that go forwards and backwards without autograd, several networks at once.

The chain rule is written out: few kernels, no graph, and gradients go where the optimiser reads them. Same mathematics
to rounding, held against autograd in ``tests/unit/policies/networks/test_passes.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

EPSILON = 1e-5
"""Added to the variance in a layer normalisation, as in ``torch.nn.functional.layer_norm``."""
_backward_norm = torch.ops.aten.native_layer_norm_backward.default
_backward_relu = torch.ops.aten.threshold_backward.grad_input


class Dense(NamedTuple):
    """A layer of G networks, or its gradients.

    Attributes:
        weight: float32 (G, in, out).
        bias: float32 (G, 1, out).
        shift: float32 (G, 1, out), added after a layer normalisation; None where there is none.
    """

    weight: Tensor
    bias: Tensor
    shift: Tensor | None = None


class Norm(NamedTuple):
    """What went into a layer normalisation, float32 (G, B, H), and its mean and inverse deviation, (G, B, 1)."""

    raw: Tensor
    mean: Tensor
    inverse: Tensor


class Tape(NamedTuple):
    """What a backward pass needs of its forward pass.

    Attributes:
        outputs: float32 (G, B, H); first the input, then what came out of each layer.
        norms: of each layer; None where it has none.
    """

    outputs: list[Tensor]
    norms: list[Norm | None]


class Product:
    """Batched matrix products, in float32 or of factors rounded to bfloat16, as autocast does it."""

    def __init__(self, precision: str = "float32") -> None:
        """Choose ``float32`` or ``bfloat16``."""
        self._rounded = precision == "bfloat16"

    def __call__(self, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
        """Float32 (G, n, m) of (G, n, k) and (G, k, m)."""
        if out is not None and not out.is_contiguous():
            self(right.transpose(1, 2), left.transpose(1, 2), out=out.transpose(1, 2))
            return out
        if self._rounded:
            product = torch.bmm(left.bfloat16(), right.bfloat16())
            return product.float() if out is None else out.copy_(product)
        return torch.bmm(left, right) if out is None else torch.bmm(left, right, out=out)


@cache
def _ones(size: int, device: torch.device) -> Tensor:
    return torch.ones(size, device=device)


def forward(layers: Sequence[Dense], inputs: Tensor, product: Product) -> Tape:
    """Hidden layers with ReLU.

    Args:
        layers: of G networks.
        inputs: float32 (B, in), the same for all of them.
        product: how to multiply.
    """
    x = inputs.expand(layers[0].weight.shape[0], *inputs.shape)
    tape = Tape([x], [])
    for layer in layers:
        # the bias on its own: torch.baddbmm fills the result with it first, which takes longer
        x = product(x, layer.weight).add_(layer.bias)
        norm = None
        if layer.shift is not None:
            raw = x
            # with a weight, though it be 1, the kernel is twice as fast as without
            x, *moments = torch.native_layer_norm(raw, raw.shape[-1:], _ones(raw.shape[-1], raw.device), None, EPSILON)
            norm = Norm(raw, *moments)
            x.add_(layer.shift)
        tape.norms.append(norm)
        tape.outputs.append(x.relu_())
    return tape


def backward(
    layers: Sequence[Dense], tape: Tape, slope: Tensor, product: Product, gradients: Sequence[Dense] = ()
) -> Tensor:
    """Take the derivative of a loss back through the hidden layers.

    Args:
        layers: as given to :func:`forward`.
        tape: what that returned.
        slope: float32 (G, B, H), derivative with respect to the last output; overwritten.
        product: how to multiply.
        gradients: where those of the parameters are written; empty where only the inputs matter.

    Returns:
        derivative with respect to what the first layer's product and bias gave, float32 (G, B, H).
    """
    for index in reversed(range(len(layers))):
        into = gradients[index] if gradients else None
        slope = _backward_relu(slope, tape.outputs[index + 1], 0, grad_input=slope)
        norm = tape.norms[index]
        if norm is not None:
            if into is not None and into.shift is not None:
                torch.sum(slope, 1, keepdim=True, out=into.shift)
            shape = slope.shape[-1:]
            slope = _backward_norm(slope, norm.raw, shape, norm.mean, norm.inverse, None, None, (True, False, False))[0]
        if into is not None:
            torch.sum(slope, 1, keepdim=True, out=into.bias)
            product(tape.outputs[index].transpose(1, 2), slope, out=into.weight)
        if index:
            slope = product(slope, layers[index].weight.transpose(1, 2))
    return slope
