"""What the steps of an ended episode are worth: scaled rewards and the discounted return from each step on.

Source: Nakamoto, Zhai et al., Cal-QL (NeurIPS 2023), section 4 and its code: rewards are scaled first; where an episode
achieves nothing at all, it is taken to go on like that for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.labels import task_reward

Floats = npt.NDArray[np.float64]


def scaled_rewards(episode: Sequence[Transition], config: EpisodicConfig) -> Floats:
    """The rewards that are learned from, float64 (T,), of the T transitions of an episode in order."""
    rewards = config.reward_scale * _task_rewards(episode) + config.reward_bias
    end = episode[-1].after.feedback
    failed = end.terminated and not end.success
    if config.failure_lasts and failed and rewards[-1] < 0:
        rewards[-1] /= 1.0 - config.discount
    return rewards


def returns_to_go(episode: Sequence[Transition], config: EpisodicConfig) -> Floats:
    """The discounted sum of the rewards from each step on, float64 (T,).

    Where every reward of the episode is that of failure, it is r_fail / (1 - discount) at each step. Otherwise a
    termination ends the sum, and a truncation (or a gap in what was seen) is followed by what ``truncated_tail`` says.
    """
    ever = 1.0 / (1.0 - config.discount)
    if (_task_rewards(episode) == config.failure_reward).all():
        failure = config.reward_scale * config.failure_reward + config.reward_bias
        return np.full(len(episode), failure * ever)
    rewards = scaled_rewards(episode, config)
    goes_on = not episode[-1].after.feedback.terminated and config.truncated_tail == "last"
    after = rewards[-1] * ever if goes_on else 0.0
    returns = np.empty_like(rewards)
    for index in range(len(rewards) - 1, -1, -1):
        after = rewards[index] + config.discount * after
        returns[index] = after
    return returns


def _task_rewards(episode: Sequence[Transition]) -> Floats:
    return np.array([task_reward(transition) for transition in episode], np.float64)
