"""Adam on weights that a model may keep in half precision, in step with the other processes of a crew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from vlmrl_ros.policies.vlm import crew


class Optimiser:
    """Adam with a bounded gradient, in float32 whatever the model computes in.

    Of weights in half precision it trains float32 copies, from which they are rounded after each step: most steps are
    smaller than the gap between two numbers of half precision, and would be lost (as mixed precision has it, RL4VLM's
    DeepSpeed too).
    """

    def __init__(
        self, kind: type[torch.optim.Adam], weights: Iterable[Tensor], max_gradient: float, **options: Any
    ) -> None:
        """Take what is trained.

        Its state is there from the beginning, so that a checkpoint can be read before the first step.

        Args:
            kind: Adam or one of its children.
            weights: leaves that need gradients.
            max_gradient: greatest norm of the gradient.
            options: of ``kind``.
        """
        self._weights, self._most = list(weights), max_gradient
        self._trained = [
            one if one.dtype == torch.float32 else one.detach().float().requires_grad_() for one in self._weights
        ]
        self._trained_of = dict(zip(map(id, self._weights), self._trained, strict=True))
        self._rounded = [pair for pair in zip(self._weights, self._trained, strict=True) if pair[0] is not pair[1]]
        self._adam = kind(self._trained, **options)
        for one in self._trained:
            self._adam.state[one] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(one),
                "exp_avg_sq": torch.zeros_like(one),
            }

    def step(self, loss: Tensor, learning_rate: float) -> float:
        """One gradient step down a loss, or this process's part of it; the norm of the gradient."""
        for weight in (*self._weights, *self._trained):
            weight.grad = None
        loss.backward()
        for weight, trained in self._rounded:
            trained.grad = weight.grad.float() if weight.grad is not None else None
            weight.grad = None
        crew.add_up_gradients(self._trained)
        norm = crew.clip_gradients(self._trained, self._most)
        self._adam.param_groups[0]["lr"] = learning_rate
        self._adam.step()
        self.round()
        return norm

    @torch.no_grad()
    def round(self) -> None:
        """Have the weights of the model follow their copies, after these have got other values."""
        for weight, trained in self._rounded:
            weight.copy_(trained)

    def trained(self, weight: Tensor) -> Tensor:
        """What is trained of a weight, float32 and live: itself, or its copy."""
        return self._trained_of[id(weight)]

    def remembered(self) -> dict[str, Tensor]:
        """What Adam remembers, live, by name."""
        return {
            f"{row}.{name}": tensor
            for row, one in enumerate(self._trained)
            for name, tensor in self._adam.state[one].items()
        }
