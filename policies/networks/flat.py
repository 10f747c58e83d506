"""Named parameters in one flat buffer: zeroing, Adam and averaging are then one kernel each, whatever the network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Parameters = Mapping[str, Tensor]
"""Tensors by name, as the networks' functions take them."""


class FlatParameters:
    """Trainable tensors that are views of one float32 buffer, with gradients in another.

    Attributes:
        values: float32 (P,), all parameters.
        gradients: float32 (P,), all gradients; backward passes add to it.
        trainable: leaves by name; gradients flow into them.
        frozen: the same memory by name, without gradients.
    """

    def __init__(self, initial: Parameters, device: torch.device | None = None) -> None:
        """Copy the initial values, in their order, to a device (where they are unless told otherwise)."""
        self.values = torch.cat([tensor.detach().reshape(-1) for tensor in initial.values()]).to(device)
        self.gradients = torch.zeros_like(self.values)
        shapes = {name: tensor.shape for name, tensor in initial.items()}
        self.frozen = _views(self.values, shapes)
        self.trainable = {name: view.detach().requires_grad_() for name, view in self.frozen.items()}
        for name, gradient in _views(self.gradients, shapes).items():
            self.trainable[name].grad = gradient

    def copy(self) -> FlatParameters:
        """An independent copy, for targets and averages."""
        return FlatParameters(self.frozen)

    def follow(self, other: FlatParameters, rate: float) -> None:
        """Move a fraction ``rate`` of the way towards the other's values."""
        self.values.lerp_(other.values, rate)


class Adam:
    """Adam over one flat buffer, fused into one kernel."""

    def __init__(self, parameters: FlatParameters, learning_rate: float) -> None:
        """Prepare the moments; the step count starts at 0."""
        self._parameters = parameters
        self._leaf = parameters.values.detach()
        self._leaf.grad = parameters.gradients
        self._adam = torch.optim.Adam([self._leaf], lr=learning_rate, fused=True)
        zeros = torch.zeros_like(self._leaf)
        self._adam.state[self._leaf] = {"step": zeros.new_zeros(()), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    def zero(self) -> None:
        """Forget the gradients."""
        self._parameters.gradients.zero_()

    def step(self) -> None:
        """Apply the gradients."""
        self._adam.step()

    def state(self) -> dict[str, Tensor]:
        """Moments and step count, the live tensors by name."""
        return dict(self._adam.state[self._leaf])


def _views(flat: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    parts = flat.split([shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
