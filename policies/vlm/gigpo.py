"""Reinforcement learning of utterances without a critic: what is better than others from the same place (GiGPO).

Source: Feng et al., Group-in-Group Policy Optimization for LLM Agent Training, NeurIPS 2025.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.crew import own_rows
from vlmrl_ros.policies.vlm.ppo_loss import FloatArray, policy_loss
from vlmrl_ros.policies.vlm.surrogate import (
    Descent,
    Metrics,
    SurrogateConfig,
    UtterancePolicy,
    means,
    minibatches,
    told,
)

Episode = Sequence[Turn]
Group = Sequence[Episode]
"""Whole episodes that began in the same state."""
SMALLEST = 1e-6
"""Standard deviations below it count as none: nothing in such a group is better than the rest."""


@dataclass(frozen=True)
class GigpoConfig(SurrogateConfig):
    """Options; the defaults suit a small model that is trained whole."""

    step_weight: float = option(
        1.0, "omega: weight of the advantages among steps from equal states", low=0.0, high=10.0
    )


def group_advantages(groups: Sequence[Group], discount: float, step_weight: float) -> FloatArray:
    """Advantage of each turn: of its episode in the group, plus of its step among those from equal states.

    Both are standardised: the return of the episode, undiscounted, among the episodes of the group; the discounted
    return from the step on among the steps of the group that have the same anchor.

    Args:
        groups: each with two episodes or more.
        discount: gamma, within an episode.
        step_weight: omega.

    Returns:
        float32, one for each turn, group after group, episode after episode.

    Raises:
        ConfigError: a group of one episode, an empty episode, or a turn without an anchor.
    """
    every = [_of_group(group, discount, step_weight) for group in groups]
    return np.concatenate(every).astype(np.float32)


def _of_group(group: Group, discount: float, step_weight: float) -> npt.NDArray[np.float64]:
    if len(group) < 2 or not all(group):
        raise ConfigError(
            f"a group has two episodes or more, with a turn or more each; got {[len(episode) for episode in group]}"
        )
    whole = _standardised(np.array([sum(turn.reward for turn in episode) for episode in group]))
    by_episode = np.repeat(whole, [len(episode) for episode in group])
    to_come = np.concatenate([_returns(episode, discount) for episode in group])
    places: dict[Hashable, list[int]] = defaultdict(list)
    for row, turn in enumerate(turn for episode in group for turn in episode):
        if turn.anchor is None:
            raise ConfigError("a turn has no anchor: the task says of no state which others equal it")
        places[turn.anchor].append(row)
    by_step = np.zeros(len(to_come))
    for rows in places.values():
        by_step[rows] = _standardised(to_come[rows])
    return by_episode + step_weight * by_step


def _returns(episode: Episode, discount: float) -> npt.NDArray[np.float64]:
    """Discounted return from each turn on."""
    returns, running = np.zeros(len(episode)), 0.0
    for row in reversed(range(len(episode))):
        running = episode[row].reward + discount * running
        returns[row] = running
    return returns


def _standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    deviation = values.std()
    return (values - values.mean()) / deviation if deviation > SMALLEST else np.zeros(len(values))


class UtteranceGigpo:
    """Learns from groups of whole episodes, by the same ratio and from the same turns as PPO."""

    def __init__(self, model: Any, processor: Any, rng: np.random.Generator, config: GigpoConfig | None = None) -> None:
        """Take a model, all of whose weights that need gradients are trained; see ``UtterancePpo``."""
        self.config = config or GigpoConfig()
        self._policy = UtterancePolicy(model, processor, self.config)
        self._rng = rng
        self.descent = Descent([one for one in model.parameters() if one.requires_grad], self.config)

    def update(self, groups: Sequence[Group]) -> Metrics:
        """Learn from groups.

        Returns:
            losses, how far the scores are from the draw, parse rate and length of the answers.

        Raises:
            ConfigError: groups from which nothing can be compared.
            RatioError: what is scored before the first step is not what was drawn.
        """
        flat = [turn for group in groups for episode in group for turn in episode]
        made = torch.from_numpy(group_advantages(groups, self.config.discount, self.config.step_weight))
        batch = self._policy.batch(flat)
        taken, losses = self._policy.take(batch), []
        made = made.to(taken.log_prob.device)
        for index in minibatches(self._rng, len(flat), self.config):
            mine, share = own_rows(index)
            rows, chosen = torch.from_numpy(mine), batch.rows(mine)
            log_prob = self._policy.log_prob(self._policy.score(chosen).log_probs, chosen)
            loss = policy_loss(log_prob, taken.log_prob[rows], made[rows], self.config.clip)
            norm = self.descent.step(share * loss)
            losses.append({"policy_loss": share * loss.item(), "gradient_norm": share * norm})
        self.descent.updates += 1
        return {**means(losses, self._policy.device), **taken.metrics, **told(flat, batch)}
