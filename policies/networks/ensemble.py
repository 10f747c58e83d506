"""An ensemble of critics, with or without layer normalisation, computed as one batched network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, relu

from vlmrl_ros.policies.networks.flat import Parameters
from vlmrl_ros.policies.networks.mlp import Dense


def initial_ensemble(
    inputs: int, hidden: Sequence[int], members: int, generator: torch.Generator, layer_norm: bool = True
) -> dict[str, Tensor]:
    """Fresh parameters by name; each has a leading axis for the members.

    ``hidden_<i>/weight`` (E, in, out), ``bias`` and, with layer normalisation, ``shift`` (E, 1, out); ``value/weight``
    (E, in, 1) and ``bias``. The normalisation has a shift and no scale: a scale before a ReLU is one of the next
    layer's weights.
    """
    parameters: dict[str, Tensor] = {}
    sizes = [inputs, *hidden]
    for index, (before, after) in enumerate(pairwise(sizes)):
        parameters[f"hidden_{index}/weight"] = _uniform((members, before, after), before, generator)
        parameters[f"hidden_{index}/bias"] = torch.zeros(members, 1, after)
        if layer_norm:
            parameters[f"hidden_{index}/shift"] = torch.zeros(members, 1, after)
    parameters["value/weight"] = _uniform((members, sizes[-1], 1), sizes[-1], generator)
    parameters["value/bias"] = torch.zeros(members, 1, 1)
    return parameters


def values(critics: Parameters, state: Tensor, action: Tensor) -> Tensor:
    """Action values of every member.

    Args:
        critics: parameters as :func:`initial_ensemble` names them.
        state: float32 (B, N), normalised.
        action: float32 (B, A) in [-1, 1].

    Returns:
        float32 (E, B).
    """
    members = critics["value/bias"].shape[0]
    x = torch.cat((state, action), -1).expand(members, -1, -1)
    for layer in hidden_layers(critics):
        x = torch.baddbmm(layer.bias, x, layer.weight)
        x = relu(x if layer.shift is None else layer_norm(x, x.shape[-1:]) + layer.shift)
    return torch.baddbmm(critics["value/bias"], x, critics["value/weight"]).squeeze(-1)


def hidden_layers(critics: Parameters) -> list[Dense]:
    """The hidden layers of an ensemble, or their gradients."""
    kinds = ("weight", "bias", "shift")
    count = sum(name.startswith("hidden_") for name in critics) // (3 if "hidden_0/shift" in critics else 2)
    return [Dense(*(critics.get(f"hidden_{index}/{kind}") for kind in kinds)) for index in range(count)]


def _uniform(shape: tuple[int, ...], inputs: int, generator: torch.Generator) -> Tensor:
    bound = 1.0 / math.sqrt(inputs)
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)
