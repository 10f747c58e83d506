"""The losses of LMRL-Gym's learners, on action tokens.

Source: Abdulhai et al., LMRL Gym (arXiv 2311.18232); ILQL: Snell et al., Offline RL for Natural Language Generation
with Implicit Language Q Learning (arXiv 2206.11871).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def cloning_loss(logits: Tensor, token: Tensor, weight: Tensor) -> Tensor:
    """Negative log-likelihood of the data's tokens, float32 ().

    Args:
        logits: float32 (N, V).
        token: int64 (N,).
        weight: float32 (N,), of each token; they add up to 1. As in all losses here.
    """
    return _mean(cross_entropy(logits, token, reduction="none"), weight)


def _mean(losses: Tensor, weight: Tensor) -> Tensor:
    return (losses * weight).sum()


def of_token(values: Tensor, token: Tensor) -> Tensor:
    """The values of the tokens that were said, float32 (N,), of float32 (N, V) and int64 (N,)."""
    return values.gather(-1, token[:, None])[:, 0]


def backup(reward: Tensor, next_value: Tensor, discount: float) -> Tensor:
    """``r + gamma V(i')``, float32 (N,): i' is the next action token, and no gradient reaches its value."""
    return reward + discount * next_value.detach()


def q_loss(heads: Sequence[Tensor], token: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Sum over heads of half the squared error of Q(i, a_i), float32 (); each head's values float32 (N, V)."""
    return torch.stack([0.5 * _mean((of_token(head, token) - target).square(), weight) for head in heads]).sum()


def expectile_loss(target: Tensor, value: Tensor, expectile: float, weight: Tensor) -> Tensor:
    """Half the squared error, float32 (), weighted by ``expectile`` where the target is above the value, else the rest.

    Args:
        target: least of the target heads of the tokens that were said, float32 (N,), without gradient.
        value: V, float32 (N,).
        expectile: tau, 0.5 to 1.
        weight: of each token.
    """
    error = target - value
    return _mean(0.5 * torch.where(error > 0, expectile, 1 - expectile) * error.square(), weight)


def conservative_loss(heads: Sequence[Tensor], token: Tensor, weight: Tensor) -> Tensor:
    """Sum over heads of the cross-entropy of the data's tokens, float32 (), with the Q values as logits."""
    return torch.stack([cloning_loss(head, token, weight) for head in heads]).sum()


def monte_carlo_loss(values: Tensor, token: Tensor, to_go: Tensor, weight: Tensor) -> Tensor:
    """Squared error of Q(i, a_i) to the discounted reward to go, float32 (); values float32 (N, V)."""
    return _mean((of_token(values, token) - to_go).square(), weight)
