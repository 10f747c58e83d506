"""Forward and backward passes of the tanh-Gaussian actor, written out; the same as :mod:`actor` under autograd."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from vlmrl_ros.policies.gaussian import LOG_STD_MAX, LOG_STD_MIN
from vlmrl_ros.policies.networks.flat import FlatParameters, Parameters
from vlmrl_ros.policies.networks.mlp import Dense, Product, Tape, backward, forward

_HEADS = ("mean", "log_std")


class ActorTape(NamedTuple):
    """What :meth:`ActorPass.descend` needs of a sample.

    Attributes:
        hidden: tape of the hidden layers.
        action: float32 (B, A), in [-1, 1].
        spread: float32 (B, A), the noise times the standard deviation.
        free: bool (B, A), where the logarithm of the standard deviation is not clipped.
    """

    hidden: Tape
    action: Tensor
    spread: Tensor
    free: Tensor


class ActorPass:
    """Samples of an actor, and its gradients."""

    def __init__(self, actor: FlatParameters, product: Product) -> None:
        """Read and write the parameters and gradients of ``actor``, whenever they change."""
        self._product = product
        self._layers, *self._heads = _layers(actor.frozen)
        self._layer_gradients, *self._head_gradients = _layers(actor.gradient_views)

    def sample(self, state: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, ActorTape]:
        """Reparametrised actions and their log-likelihood, as :func:`actor.sample` gives them.

        Args:
            state: float32 (B, N), normalised.
            noise: float32 (B, A), standard normal.

        Returns:
            actions float32 (B, A) in [-1, 1], log-likelihoods float32 (B,) in nats, and the tape.
        """
        hidden = forward(self._layers, state, self._product)
        mean, log_std = (self._product(hidden.outputs[-1], head.weight).add_(head.bias)[0] for head in self._heads)
        free = (log_std >= LOG_STD_MIN) & (log_std <= LOG_STD_MAX)
        log_std = log_std.clamp_(LOG_STD_MIN, LOG_STD_MAX)
        spread = log_std.exp().mul_(noise)
        raw = mean.add_(spread)
        squash = 2.0 * (math.log(2.0) - raw - softplus(-2.0 * raw))
        gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2.0 * math.pi)
        action = torch.tanh(raw)
        return action, (gaussian - squash).sum(-1), ActorTape(hidden, action, spread, free)

    def descend(self, tape: ActorTape, action_slope: Tensor, likelihood_slope: Tensor) -> None:
        """Write the gradients of a loss.

        Args:
            tape: of the sample that the loss is of.
            action_slope: float32 (B, A), derivative of the loss with respect to the actions.
            likelihood_slope: float32 (B, 1), with respect to the log-likelihoods.
        """
        action = tape.action
        # d tanh / d raw = 1 - action^2; the likelihood's own share through the squashing is 2 action
        mean = action_slope * (1.0 - action.square()) + likelihood_slope * (2.0 * action)
        log_std = (mean * tape.spread - likelihood_slope) * tape.free
        features, slope = tape.hidden.outputs[-1], None
        for head, gradient, part in zip(self._heads, self._head_gradients, (mean[None], log_std[None]), strict=True):
            self._product(features.transpose(1, 2), part, out=gradient.weight)
            torch.sum(part, 1, keepdim=True, out=gradient.bias)
            back = self._product(part, head.weight.transpose(1, 2))
            slope = back if slope is None else slope.add_(back)
        backward(self._layers, tape.hidden, slope, self._product, self._layer_gradients)


def _layers(actor: Parameters) -> tuple[list[Dense], Dense, Dense]:
    """Hidden layers, mean and log_std of an actor, or their gradients, as layers of one network."""
    layers = [Dense(actor[f"{name}/weight"].t()[None], actor[f"{name}/bias"][None, None]) for name in _names(actor)]
    return layers[:-2], layers[-2], layers[-1]


def _names(actor: Parameters) -> list[str]:
    return [*(f"hidden_{index}" for index in range(len(actor) // 2 - 2)), *_HEADS]
