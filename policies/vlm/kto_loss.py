"""The loss of KTO: what a person let pass becomes likelier than it was at first, what they did not less likely.

Source: Ethayarajh et al., KTO: Model Alignment as Prospect Theoretic Optimization, ICML 2024, arXiv 2402.01306.
"""

from __future__ import annotations

import torch
from torch import Tensor


def baseline(mismatched: Tensor) -> Tensor:
    """The reference point z_0: an estimate of KL(policy | reference), without gradient, from 0.

    Args:
        mismatched: float32 (M,), log-ratios log(policy / reference) of answers to what others of the minibatch were
            asked, so that how good an answer is does not shift the point that it is compared with.

    Returns:
        float32 ().
    """
    return mismatched.detach().mean().clamp_min(0.0)


def regret(log_ratio: Tensor, desirable: Tensor, baseline: Tensor, beta: float) -> Tensor:
    """What each answer lacks of its greatest value, 1 - sigmoid(+-beta * (log_ratio - z_0)).

    Args:
        log_ratio: float32 (B,), log(policy / reference).
        desirable: bool (B,); for the others the sign is minus.
        baseline: float32 (), z_0.
        beta: how soon the value saturates, above 0: the greater it is, the nearer the policy stays to the reference.

    Returns:
        float32 (B,), 0 to 1.
    """
    sign = torch.where(desirable, 1.0, -1.0)
    return 1.0 - torch.sigmoid(beta * sign * (log_ratio - baseline))


def class_weights(desirable: int, undesirable: int) -> tuple[float, float]:
    """lambda_D and lambda_U with which both classes weigh the same: lambda_D * n_D = lambda_U * n_U, 1 in the mean.

    Args:
        desirable: n_D, 1 or more.
        undesirable: n_U, 1 or more.
    """
    total = desirable + undesirable
    return total / (2 * desirable), total / (2 * undesirable)
