"""A torch module whose weights lie in one flat buffer, with its optimiser."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters


class Trainee:
    """Trains a module whole.

    Attributes:
        module: its parameters are views of the buffer.
        flat: the buffer.
    """

    def __init__(self, module: nn.Module, learning_rate: float, max_gradient: float) -> None:
        """Move the weights into a buffer.

        Args:
            module: float32, on one device.
            learning_rate: of Adam.
            max_gradient: greatest norm of the gradient.
        """
        self.module, self._most = module, max_gradient
        self.flat = in_one_buffer(module)
        for name, weights in module.named_parameters():
            weights.grad = self.flat.gradient_views[name]
        self._adam = Adam(self.flat, learning_rate)

    def descend(self, loss: Tensor, rate: float = 1.0) -> Tensor:
        """One gradient step; returns the norm of the gradient, float32 ().

        Args:
            loss: float32 ().
            rate: share of the learning rate.
        """
        self._adam.zero()
        loss.backward()
        norm = self.flat.gradients.norm()
        self.flat.gradients.mul_((self._most / (norm + 1e-6)).clamp(max=1.0))
        self._adam.step(rate)
        return norm

    def tensors(self, name: str) -> dict[str, Tensor]:
        """All that training changes, live."""
        return {name: self.flat.values, **{f"{name}/{part}": moment for part, moment in self._adam.state().items()}}


def in_one_buffer(module: nn.Module) -> FlatParameters:
    """Make the weights of a module views of one buffer."""
    flat = FlatParameters(dict(module.named_parameters()))
    for name, weights in module.named_parameters():
        weights.data = flat.frozen[name]
    return flat


def arrays_of(module: nn.Module, prefix: str) -> Variables:
    """Copies of the weights by name, float32."""
    return {f"{prefix}/{name}": weights.detach().cpu().numpy().copy() for name, weights in module.named_parameters()}


@torch.no_grad()
def take_arrays(module: nn.Module, variables: Variables, prefix: str) -> None:
    """Write weights that :func:`arrays_of` gave into a module.

    Raises:
        CheckpointError: a name or a shape that does not fit, or a value that is not finite; nothing changes then.
    """
    own: Mapping[str, nn.Parameter] = dict(module.named_parameters())
    given = {name[len(prefix) + 1 :]: value for name, value in variables.items() if name.startswith(f"{prefix}/")}
    if set(given) != set(own):
        raise CheckpointError(f"weights '{prefix}' have {sorted(given)[:4]}...; expected {sorted(own)[:4]}...")
    for name, value in given.items():
        if value.shape != own[name].shape or not np.isfinite(value).all():
            raise CheckpointError(
                f"weights '{prefix}/{name}' are of shape {value.shape} or not finite; expected {tuple(own[name].shape)}"
            )
    for name, value in given.items():
        own[name].copy_(torch.from_numpy(np.array(value, np.float32)))
