"""The tanh-Gaussian actor as functions of its parameters; ``vlmrl_ros.policies.gaussian`` is the same in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear, relu, softplus

from vlmrl_ros.policies.gaussian import LOG_STD_MAX, LOG_STD_MIN, layer_names
from vlmrl_ros.policies.networks.flat import Parameters


def initial_actor(state: int, action: int, hidden: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
    """Fresh parameters by name: weights uniform within 1 / sqrt(inputs), heads a hundredth of that, biases 0."""
    sizes = [state, *hidden]
    shapes = [*zip(sizes[1:], sizes, strict=False), (action, sizes[-1]), (action, sizes[-1])]
    names = layer_names(len(hidden))
    parameters: dict[str, Tensor] = {}
    for index, (outputs, inputs) in enumerate(shapes):
        bound = (0.01 if index >= len(hidden) else 1.0) / math.sqrt(inputs)
        weight = torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator)
        parameters[names[2 * index]] = weight
        parameters[names[2 * index + 1]] = torch.zeros(outputs)
    return parameters


def features(actor: Parameters, state: Tensor) -> Tensor:
    """The last hidden layer, float32 (B, H), of normalised states float32 (B, N)."""
    x = state
    for index in range(len(actor) // 2 - 2):
        x = relu(linear(x, actor[f"hidden_{index}/weight"], actor[f"hidden_{index}/bias"]))
    return x


def mode(actor: Parameters, state: Tensor) -> Tensor:
    """The most likely action, float32 (B, A) in [-1, 1]."""
    return torch.tanh(linear(features(actor, state), actor["mean/weight"], actor["mean/bias"]))


def sample(actor: Parameters, state: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Reparametrised actions and their log-likelihood.

    Args:
        actor: parameters.
        state: float32 (B, N), normalised.
        noise: float32 (B, A), standard normal.

    Returns:
        actions float32 (B, A) in [-1, 1], and log-likelihoods float32 (B,) in nats.
    """
    x = features(actor, state)
    mean = linear(x, actor["mean/weight"], actor["mean/bias"])
    log_std = linear(x, actor["log_std/weight"], actor["log_std/bias"]).clamp(LOG_STD_MIN, LOG_STD_MAX)
    raw = torch.addcmul(mean, log_std.exp(), noise)
    # log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2 x)), which does not overflow
    squash = 2.0 * (math.log(2.0) - raw - softplus(-2.0 * raw))
    gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2.0 * math.pi)
    return torch.tanh(raw), (gaussian - squash).sum(-1)
