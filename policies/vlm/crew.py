"""Processes that make each gradient step together, where several were started: ``accelerate launch``, ``torchrun``.

Each has all turns and draws the same minibatches, for all begin with one seed; it goes through its own rows, and the
gradients are added up. One process alone is a crew, too. Whoever starts several makes the process group, for example by
``accelerate.Accelerator()``, before the learner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed
from torch.distributed.tensor import DTensor


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if _together() else 1


def own_rows(index: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], float]:
    """The rows of a minibatch that are this process's, and the weight of their mean in that of all.

    One for which none are left goes through the first row, which then weighs nothing.
    """
    if not _together():
        return index, 1.0
    mine = index[distributed.get_rank() :: size()]
    return (mine, len(mine) / len(index)) if len(mine) else (index[:1], 0.0)


def add_up_gradients(weights: Sequence[Tensor]) -> None:
    """Have the sum over all processes in each weight's gradient; one that has none counts as 0.

    Of weights that are split each process has its part of the sum already.
    """
    weights = [weight for weight in weights if not isinstance(weight, DTensor)]
    if not _together() or not weights:
        return
    every = torch.cat([_gradient(weight).flatten() for weight in weights])
    distributed.all_reduce(every)
    for weight, part in zip(weights, every.split([weight.numel() for weight in weights]), strict=True):
        weight.grad = part.view_as(weight)


def clip_gradients(weights: Sequence[Tensor], most: float) -> float:
    """Scale gradients, which have been added up, so that their norm is ``most`` or less; what it was."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not any(isinstance(one, DTensor) for one in gradients):
        return float(torch.nn.utils.clip_grad_norm_(weights, most))
    parts = [one.to_local() for one in gradients if isinstance(one, DTensor)]
    others = [one for one in gradients if not isinstance(one, DTensor)]
    square = add_up({"square": _square(parts)}, parts[0].device)["square"] + _square(others)
    norm = square**0.5
    for one in (*parts, *others):
        one.mul_(min(1.0, most / (norm + 1e-6)))
    return norm


def add_up(values: Mapping[str, float], device: torch.device) -> dict[str, float]:
    """Sums over all processes, by name; ``device`` is where the processes compute, and exchange what they have."""
    if not _together():
        return dict(values)
    every = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    distributed.all_reduce(every)
    return dict(zip(values, every.tolist(), strict=True))


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _square(tensors: Sequence[Tensor]) -> float:
    return sum(float(one.double().square().sum()) for one in tensors)


def _gradient(weight: Tensor) -> Tensor:
    return weight.grad if weight.grad is not None else torch.zeros_like(weight)
