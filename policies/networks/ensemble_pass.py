"""Forward and backward passes of a critic ensemble, written out; the same values as :mod:`ensemble` under autograd."""

from __future__ import annotations


import torch
from torch import Tensor

from vlmrl_ros.policies.networks.ensemble import hidden_layers
from vlmrl_ros.policies.networks.flat import FlatParameters
from vlmrl_ros.policies.networks.mlp import Dense, Product, Tape, backward, forward


class EnsemblePass:
    """Values of all members, and their gradients."""

    def __init__(self, critics: FlatParameters, product: Product) -> None:
        """Read and write the parameters and gradients of ``critics``, whenever they change."""
        self._product = product
        self._layers = hidden_layers(critics.frozen)
        self._head = Dense(critics.frozen["value/weight"], critics.frozen["value/bias"])
        gradients = critics.gradient_views
        self._layer_gradients = hidden_layers(gradients)
        self._head_gradient = Dense(gradients["value/weight"], gradients["value/bias"])

    def values(self, inputs: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Action values without a tape.

        Args:
            inputs: float32 (B, N + A), states and actions side by side, both normalised.
            chosen: int64 (M,), which members; all without it.

        Returns:
            float32 (E, B) or (M, B).
        """
        layers, head = self._layers, self._head
        if chosen is not None:
            layers, head = [_take(layer, chosen) for layer in layers], _take(head, chosen)
        return _head_values(head, forward(layers, inputs, self._product).outputs[-1])

    def run(self, inputs: Tensor) -> tuple[Tensor, Tape]:
        """Action values, float32 (E, B), and what :meth:`descend` and :meth:`input_slope` need of them."""
        tape = forward(self._layers, inputs, self._product)
        return _head_values(self._head, tape.outputs[-1]), tape

    def descend(self, tape: Tape, slope: Tensor) -> None:
        """Write the gradients of a loss whose derivative with respect to the values is ``slope``, float32 (E, B)."""
        features, per_row = tape.outputs[-1], slope.unsqueeze(-1)
        torch.sum(features * per_row, 1, out=self._head_gradient.weight.squeeze(-1))
        torch.sum(slope, 1, out=self._head_gradient.bias.view(-1))
        self._backward(tape, per_row, self._layer_gradients)

    def input_slope(self, tape: Tape, slope: Tensor, columns: slice) -> Tensor:
        """The derivative of that loss with respect to columns of the inputs, float32 (B, columns)."""
        sums = self._backward(tape, slope.unsqueeze(-1), ())
        return self._product(sums, self._layers[0].weight[:, columns].transpose(1, 2)).sum(0)

    def _backward(self, tape: Tape, per_row: Tensor, gradients: list[Dense] | tuple[()]) -> Tensor:
        slope = per_row * self._head.weight.transpose(1, 2)
        return backward(self._layers, tape, slope, self._product, gradients)




def _head_values(head: Dense, features: Tensor) -> Tensor:
    # one output: a sum of products is faster than a matrix product
    return (features * head.weight.transpose(1, 2)).sum(-1) + head.bias.squeeze(-1)


def _take(layer: Dense, members: Tensor) -> Dense:
    return Dense(*(None if tensor is None else tensor.index_select(0, members) for tensor in layer))
