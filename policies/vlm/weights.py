"""Weights of a vision-language model by name, as they travel: those of an adapter, and those that are trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Variables

_WRAP, _NAMED = "base_model.model.", ".default."
"""What peft puts before the names of all weights, and into those of an adapter."""
_OF_ADAPTER = ".lora_"
SHOWN = 3


def has_adapter(model: Any) -> bool:
    """Whether there is an adapter around a model, or within it."""
    return any(_OF_ADAPTER in name for name, _ in model.named_parameters())


def parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """What travels, by name: the weights of an adapter, and those that need gradients."""
    every = {_plain(name): weights for name, weights in model.named_parameters()}
    return {name: weights for name, weights in every.items() if _OF_ADAPTER in name or weights.requires_grad}


def variables(model: Any) -> dict[str, np.ndarray]:
    """Copies of :func:`parameters`; float32, which holds every half precision."""
    return {name: weights.detach().float().cpu().numpy().copy() for name, weights in parameters(model).items()}


def fitting(model: Any, given: Variables, about: str = "valid: those of this model") -> dict[str, Tensor]:
    """New values for :func:`parameters`, in their type and on their device.

    Args:
        model: takes them.
        given: of a learner, by name.
        about: whose the model is and what to do where the weights are of another one; it ends the error.

    Raises:
        CheckpointError: other names or shapes (those of a whole model where an adapter is, or the reverse; those of an
            adapter of another rank), a value that is not finite, or a model that takes none.
    """
    mine = parameters(model)
    if not mine:
        raise CheckpointError(
            "the model is quantised and has no adapter, so it takes no weights; valid: lora_rank above 0"
        )
    wanted, got = set(mine), {_plain(name) for name in given}
    has, comes = (any(_OF_ADAPTER in name for name in names) for names in (wanted, got))
    if has != comes and got:
        kinds = {True: "those of an adapter", False: "those of a whole model"}
        raise CheckpointError(
            f"weights are {kinds[comes]}, and the model here takes {kinds[has]}; valid: the same lora_rank (0: whole) "
            "for learner and policy"
        )
    if wanted != got:
        lacking, strange = sorted(wanted - got), sorted(got - wanted)
        raise CheckpointError(
            f"weights of another model: {len(lacking)} are missing ({', '.join(lacking[:SHOWN])}), "
            f"{len(strange)} unknown ({', '.join(strange[:SHOWN])}); {about}"
        )
    made = {}
    for name, value in given.items():
        parameter = mine[_plain(name)]
        if value.shape != tuple(parameter.shape):
            hint = "valid: the same lora_rank for learner and policy" if _OF_ADAPTER in name else about
            raise CheckpointError(
                f"weights '{name}' have shape {value.shape}; expected {tuple(parameter.shape)}; {hint}"
            )
        if not np.isfinite(value).all():
            raise CheckpointError(f"weights '{name}' are not finite")
        made[_plain(name)] = torch.from_numpy(np.array(value)).to(parameter.device, parameter.dtype)
    return made


def _plain(name: str) -> str:
    return name.removeprefix(_WRAP).replace(_NAMED, ".")
