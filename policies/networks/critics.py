"""An ensemble of critics with or without layer normalisation, computed as one batched network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import relu

from vlmrl_ros.policies.networks import ensemble
from vlmrl_ros.policies.networks.flat import Parameters


def initial_critics(
    inputs: int, hidden: Sequence[int], members: int, generator: torch.Generator, layer_norm: bool
) -> dict[str, Tensor]:
    """Fresh parameters by name, as :func:`~vlmrl_ros.policies.networks.ensemble.initial_ensemble` has them.

    Without layer normalisation there is no ``shift``.
    """
    parameters = ensemble.initial_ensemble(inputs, hidden, members, generator)
    return {name: tensor for name, tensor in parameters.items() if layer_norm or not name.endswith("/shift")}


def values(critics: Parameters, state: Tensor, action: Tensor) -> Tensor:
    """Action values of every member.

    Args:
        critics: parameters as :func:`initial_critics` names them.
        state: float32 (B, N), normalised.
        action: float32 (B, A) in [-1, 1].

    Returns:
        float32 (E, B).
    """
    if "hidden_0/shift" in critics:
        return ensemble.values(critics, state, action)
    x = torch.cat((state, action), -1).expand(len(critics["value/bias"]), -1, -1)
    for index in range(len(critics) // 2 - 1):
        x = relu(torch.baddbmm(critics[f"hidden_{index}/bias"], x, critics[f"hidden_{index}/weight"]))
    return torch.baddbmm(critics["value/bias"], x, critics["value/weight"]).squeeze(-1)
