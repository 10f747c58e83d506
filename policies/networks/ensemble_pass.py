"""Forward and backward passes of a critic ensemble, written out; the same values as :mod:`ensemble` under autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vlmrl_ros.policies.networks.ensemble import hidden_layers
from vlmrl_ros.policies.networks.flat import FlatParameters
from vlmrl_ros.policies.networks.mlp import Dense, Product, Tape, backward, forward


class EnsemblePass:
    """Values of all members of an ensemble, and their gradients."""

    def __init__(self, critics: FlatParameters, product: Product) -> None:
        """Read and write the parameters and gradients of ``critics``, whenever they change."""
        self._product = product
        values, gradients = critics.frozen, critics.gradient_views
        self._layers, self._gradients = hidden_layers(values), hidden_layers(gradients)
        self._head = Dense(values["value/weight"].transpose(1, 2), values["value/bias"].squeeze(-1))
        self._head_gradient = Dense(gradients["value/weight"].transpose(1, 2), gradients["value/bias"].view(-1))

    def values(self, inputs: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Action values.

        Args:
            inputs: float32 (B, N + A), states and actions side by side, both normalised.
            chosen: int64 (M,), which members; all without it.

        Returns:
            float32 (E, B) or (M, B).
        """
        layers, head = self._layers, self._head
        if chosen is not None:
            layers, head = [_take(layer, chosen) for layer in layers], _take(head, chosen)
        return _values(head, forward(layers, inputs, self._product).outputs[-1])

    def run(self, inputs: Tensor) -> tuple[Tensor, Tape]:
        """Action values, float32 (E, B), and what :meth:`descend` and :meth:`input_slope` need of them."""
        tape = forward(self._layers, inputs, self._product)
        return _values(self._head, tape.outputs[-1]), tape

    def descend(self, tape: Tape, slope: Tensor) -> None:
        """Write the gradients of a loss whose derivative with respect to the values is ``slope``, float32 (E, B)."""
        self._product(slope.unsqueeze(1), tape.outputs[-1], out=self._head_gradient.weight)
        torch.sum(slope, 1, out=self._head_gradient.bias)
        self._backward(tape, slope, self._gradients)

    def input_slope(self, tape: Tape, slope: Tensor, columns: slice) -> Tensor:
        """The derivative of that loss with respect to columns of the inputs, float32 (B, columns)."""
        sums = self._backward(tape, slope, ())
        return self._product(sums, self._layers[0].weight[:, columns].transpose(1, 2)).sum(0)

    def _backward(self, tape: Tape, slope: Tensor, gradients: Sequence[Dense]) -> Tensor:
        return backward(self._layers, tape, slope.unsqueeze(-1) * self._head.weight, self._product, gradients)


def _values(head: Dense, features: Tensor) -> Tensor:
    # with one output a sum of products is faster than a matrix product
    return (features * head.weight).sum(-1).add_(head.bias)


def _take(layer: Dense, members: Tensor) -> Dense:
    return Dense(*(None if tensor is None else tensor.index_select(0, members) for tensor in layer))
