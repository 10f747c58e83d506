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
CACHED_ROWS = 1024
"""States that go through an actor together where no gradient is needed."""


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
        self._layers, self._layer_gradients = (_layers(net) for net in (actor.frozen, actor.gradient_views))
        self._heads, self._head_gradients = (_heads(net) for net in (actor.frozen, actor.gradient_views))

    def sample(self, state: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, ActorTape]:
        """Reparametrised actions and their log-likelihood, as :func:`actor.sample` gives them.

        Args:
            state: float32 (B, N), normalised.
            noise: float32 (B, A), standard normal.

        Returns:
            actions float32 (B, A) in [-1, 1], log-likelihoods float32 (B,) in nats, and the tape.
        """
        hidden, heads = self._heads_at(state, self._head())
        action, log_likelihood, spread, free = _squashed(heads, noise)
        return action, log_likelihood, ActorTape(hidden, action, spread, free)

    def sample_block(self, states: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions float32 (U, B, A) and log-likelihoods (U, B) at the states (U, B, N) of a block.

        The hidden layers take some rows after the others, which stay in the cache; the small rest takes all at once.
        """
        head = self._head()
        heads = torch.cat([self._heads_at(rows, head)[1] for rows in states.flatten(0, 1).split(CACHED_ROWS)])
        return _squashed(heads.view(*noise.shape[:-1], -1), noise)[:2]

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
        slope, features = torch.cat((mean, log_std), -1)[None], tape.hidden.outputs[-1]
        weights = self._product(slope.transpose(1, 2), features)[0].chunk(2)
        for (into_weight, into_bias), weight, part in zip(self._head_gradients, weights, (mean, log_std), strict=True):
            into_weight.copy_(weight)
            torch.sum(part, 0, out=into_bias)
        back = self._product(slope, self._head().weight.transpose(1, 2))
        backward(self._layers, tape.hidden, back, self._product, self._layer_gradients)

    def _head(self) -> Dense:
        """Mean and log_std side by side: one product is faster than two."""
        weight, bias = (torch.cat(parts) for parts in zip(*self._heads, strict=True))
        return Dense(weight[None].transpose(1, 2), bias)

    def _heads_at(self, state: Tensor, head: Dense) -> tuple[Tape, Tensor]:
        """The tape of the hidden layers, and mean and log_std side by side, float32 (B, 2 A)."""
        hidden = forward(self._layers, state, self._product)
        return hidden, self._product(hidden.outputs[-1], head.weight)[0].add_(head.bias)


def _squashed(heads: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Action, log-likelihood, spread and freedom, see :class:`ActorTape`, of mean and log_std (..., 2 A)."""
    mean, log_std = heads.chunk(2, -1)
    clipped = log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)
    spread = clipped.exp().mul_(noise)
    raw = mean + spread
    # log(1 - tanh(x)^2) = 2 (log 2 - x - softplus(-2 x)), which does not overflow
    squash = 2.0 * (math.log(2.0) - raw - softplus(-2.0 * raw))
    gaussian = -0.5 * noise.square() - clipped - 0.5 * math.log(2.0 * math.pi)
    return torch.tanh(raw), (gaussian - squash).sum(-1), spread, clipped == log_std


def _layers(actor: Parameters) -> list[Dense]:
    """The hidden layers of an actor, or their gradients, as layers of one network."""
    names = [f"hidden_{index}" for index in range(len(actor) // 2 - len(_HEADS))]
    return [Dense(actor[f"{n}/weight"][None].transpose(1, 2), actor[f"{n}/bias"][None, None]) for n in names]


def _heads(actor: Parameters) -> list[tuple[Tensor, Tensor]]:
    """Weight (A, in) and bias (A,) of each head, or their gradients."""
    return [(actor[f"{name}/weight"], actor[f"{name}/bias"]) for name in _HEADS]
