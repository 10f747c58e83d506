"""Named parameters in one flat buffer: zeroing, Adam and averaging are then one kernel each, whatever the network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.adam import adam

Parameters = Mapping[str, Tensor]
"""Tensors by name, as the networks' functions take them."""


class FlatParameters:
    """Trainable tensors that are views of one float32 buffer, with gradients in another.

    Attributes:
        values: float32 (P,), all parameters.
        gradients: float32 (P,), all gradients; autograd adds to it.
        gradient_views: the same memory by name.
        trainable: leaves by name; gradients flow into them.
        frozen: the same memory by name, without gradients.
    """

    def __init__(self, initial: Parameters, device: torch.device | None = None) -> None:
        """Copy the initial values, in their order, to a device (where they are unless told otherwise)."""
        self.values = torch.cat([tensor.detach().reshape(-1) for tensor in initial.values()]).to(device)
        self.gradients = torch.zeros_like(self.values)
        shapes = {name: tensor.shape for name, tensor in initial.items()}
        self.frozen, self.gradient_views = (_views(flat, shapes) for flat in (self.values, self.gradients))
        self.trainable = {name: view.detach().requires_grad_() for name, view in self.frozen.items()}
        for name, gradient in self.gradient_views.items():
            self.trainable[name].grad = gradient

    def copy(self) -> FlatParameters:
        """An independent copy, for targets and averages."""
        return FlatParameters(self.frozen)

    def follow(self, other: FlatParameters, rate: float) -> None:
        """Move a fraction ``rate`` of the way towards the other's values."""
        self.values.lerp_(other.values, rate)


class Adam:
    """Adam over one flat buffer, fused into one kernel.

    Source: Kingma and Ba, Adam (2015), algorithm 1, with its constants.
    """

    def __init__(self, parameters: FlatParameters, learning_rate: float) -> None:
        """Prepare the moments; the step count starts at 0."""
        self._parameters = parameters
        self._learning_rate = learning_rate
        zeros = torch.zeros_like(parameters.values)
        self._state = {"step": zeros.new_zeros(()), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    def zero(self) -> None:
        """Forget the gradients."""
        self._parameters.gradients.zero_()

    @torch.no_grad()
    def step(self, rate: float = 1.0) -> None:
        """Apply the gradients. The function behind ``torch.optim.Adam``, without that class's bookkeeping.

        Args:
            rate: share of the learning rate.
        """
        adam(
            [self._parameters.values],
            [self._parameters.gradients],
            *([self._state[name]] for name in ("exp_avg", "exp_avg_sq")),
            max_exp_avg_sqs=[],
            state_steps=[self._state["step"]],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate * self._learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Moments and step count, the live tensors by name."""
        return dict(self._state)


def _views(flat: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    parts = flat.split([shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
