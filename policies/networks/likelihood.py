"""How likely a tanh-Gaussian actor finds actions that others chose."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import linear

from vlmrl_ros.policies.gaussian import LOG_STD_MAX, LOG_STD_MIN
from vlmrl_ros.policies.networks.actor import features
from vlmrl_ros.policies.networks.flat import Parameters

LARGEST = 0.999
"""Actions are moved within this bound: at the bounds themselves the density of a tanh-Gaussian is not finite."""


def log_likelihood(actor: Parameters, state: Tensor, action: Tensor) -> Tensor:
    """Log-density of actions under the actor, in nats.

    Args:
        actor: parameters, see :mod:`vlmrl_ros.policies.networks.actor`.
        state: float32 (B, N), normalised.
        action: float32 (B, A) in [-1, 1].

    Returns:
        float32 (B,).
    """
    x = features(actor, state)
    mean = linear(x, actor["mean/weight"], actor["mean/bias"])
    log_std = linear(x, actor["log_std/weight"], actor["log_std/bias"]).clamp(LOG_STD_MIN, LOG_STD_MAX)
    inside = action.clamp(-LARGEST, LARGEST)
    normal = (torch.atanh(inside) - mean) * torch.exp(-log_std)
    gaussian = -0.5 * normal.square() - log_std - 0.5 * math.log(2.0 * math.pi)
    return (gaussian - torch.log1p(-inside.square())).sum(-1)
