"""PPO on utterances: RL4VLM's weighted log-probability, its clipped loss, and advantages over steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.errors import ShapeError

FloatArray = npt.NDArray[np.float32]
LARGEST_RATIO = 10.0
"""Beyond it only the clipped term of the loss is used (the authors' code)."""


def utterance_log_prob(log_probs: Tensor, names_action: Tensor, thought_weight: float) -> Tensor:
    """RL4VLM's log pi(a | s) = lambda * sum over the thought + sum over the action.

    Args:
        log_probs: float32 (B, T), 0 beyond the end.
        names_action: bool (B, T), tokens that name the action.
        thought_weight: lambda.

    Returns:
        float32 (B,).
    """
    weights = torch.where(names_action, 1.0, thought_weight)
    return (log_probs * weights).sum(-1)


def advantages(
    rewards: FloatArray,
    values: FloatArray,
    next_values: FloatArray,
    terminated: npt.NDArray[np.bool_],
    last: npt.NDArray[np.bool_],
    discount: float,
    trace: float,
) -> tuple[FloatArray, FloatArray]:
    """Generalised advantages and returns of N environments over S steps each.

    Args:
        rewards: float32 (S, N).
        values: float32 (S, N), of the states in which was acted.
        next_values: float32 (S, N), of the states that followed, the last one of an episode included.
        terminated: bool (S, N): nothing can follow, so that nothing is bootstrapped.
        last: bool (S, N): the episode ended here, by termination or truncation, so that no trace goes on.
        discount: gamma.
        trace: lambda of GAE.

    Returns:
        advantages and returns, float32 (S, N) each.

    Raises:
        ShapeError: arrays of different shapes.
    """
    shapes = {array.shape for array in (rewards, values, next_values, terminated, last)}
    if len(shapes) != 1:
        raise ShapeError(f"advantages need arrays of one shape (steps, environments); got {sorted(shapes)}")
    errors = rewards + discount * next_values * ~terminated - values
    made = np.zeros_like(rewards)
    running = np.zeros(rewards.shape[1:], np.float32)
    for step in reversed(range(len(rewards))):
        running = errors[step] + discount * trace * running * ~last[step]
        made[step] = running
    return made, made + values


def policy_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """The clipped surrogate, float32 (), of log-probabilities and advantages float32 (B,)."""
    ratio = (log_prob - old_log_prob).exp()
    clipped = -ratio.clamp(1 - clip, 1 + clip) * advantage
    if bool((ratio > LARGEST_RATIO).any()):
        return clipped.mean()
    return torch.maximum(-ratio * advantage, clipped).mean()


def value_loss(value: Tensor, old_value: Tensor, target: Tensor, clip: float) -> Tensor:
    """Half the squared error, float32 (), the greater of that of the values and of values clipped around the old."""
    near = old_value + (value - old_value).clamp(-clip, clip)
    return 0.5 * torch.maximum((value - target).square(), (near - target).square()).mean()
