"""The updates of CQL and Cal-QL: critics that are pushed down where the data do not hold them up.

Sources: Kumar et al., Conservative Q-learning (2020), eq. 4; Nakamoto, Zhai et al., Cal-QL (NeurIPS 2023), eq. 5.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.calql.config import CalqlConfig
from vlmrl_ros.policies.learners.episodic.actor_critic import Batch
from vlmrl_ros.policies.learners.sac.learning import Sac
from vlmrl_ros.policies.networks.actor import sample
from vlmrl_ros.policies.networks.ensemble import values

_GREATEST_MULTIPLIER = 1e6


@dataclass(frozen=True)
class Proposals:
    """Actions at which the critics of one batch are asked, all from an actor that rests; n are sampled_actions.

    Attributes:
        uniform: (n, B, A), in [-1, 1].
        policy: (2 n, B, A), drawn for the next states and for the states.
        log_likelihood: (2 n, B), of the policy's.
        ahead: (m, B, A), drawn for the next states; m is n with max_backup, else 1.
        ahead_log_likelihood: (m, B).
    """

    uniform: Tensor
    policy: Tensor
    log_likelihood: Tensor
    ahead: Tensor
    ahead_log_likelihood: Tensor


class CalQl(Sac):
    """SAC whose critics pay for what they promise beyond the data."""

    _config: CalqlConfig

    def __init__(self, spec: TaskSpec, config: CalqlConfig, rng: np.random.Generator) -> None:
        """Draw the initial weights.

        Raises:
            ConfigError: the best of several actions together with their entropy.
        """
        if config.max_backup and config.entropy_backup:
            raise ConfigError("entropy_backup is true, but max_backup takes the best action; set one of them to false")
        super().__init__(spec, config, rng, {"multiplier": {"log": torch.ones(1)}} if config.lagrange_gap else {})

    def update(self, block: Batch, online: bool) -> dict[str, Tensor]:
        """See :meth:`ActorCritic.update`."""
        proposals = self._propose(block)
        for index in range(len(block.state)):
            batch = block[index]
            metrics = self._update_critics(batch, proposals[index], online)
        return metrics | self._climb(batch)

    @torch.no_grad()
    def _propose(self, block: Batch) -> list[Proposals]:
        """Draw the actions for all batches of a block at once."""
        count, (blocks, size) = self._config.sampled_actions, block.state.shape[:2]
        backup = count if self._config.max_backup else 1
        uniform = torch.empty(count, blocks, size, self._actions, device=self.device)
        uniform.uniform_(-1.0, 1.0, generator=self.generator)
        here = sample(self.actor.frozen, block.state, self._noise(count, blocks, size))
        there = sample(self.actor.frozen, block.next_state, self._noise(count + backup, blocks, size))
        policy, log_likelihood = (torch.cat((after[:count], now)) for after, now in zip(there, here, strict=True))
        ahead = [part[count:] for part in there]
        parts = (uniform, policy, log_likelihood, *ahead)
        return [Proposals(*(part[:, index] for part in parts)) for index in range(blocks)]

    def _update_critics(self, batch: Batch, proposals: Proposals, online: bool) -> dict[str, Tensor]:
        """One gradient step of all critics: towards the target, and down where the data do not hold them."""
        config = self._config
        target = self._best_target(batch, proposals)
        actions = torch.cat((batch.action[None], proposals.uniform, proposals.policy))
        asked = len(actions)
        states = batch.state.expand(asked, -1, -1)
        q = values(self.critics.trainable, states.flatten(0, 1), actions.flatten(0, 1)).unflatten(1, (asked, -1))
        data, uniform, policy = q[:, 0], q[:, 1 : 1 + config.sampled_actions], q[:, 1 + config.sampled_actions :]
        returns = batch.return_to_go[:, 0]
        below = (policy.detach() < returns).float().mean()
        if config.calibrate == "always" or config.calibrate == ("online" if online else "offline"):
            policy = torch.maximum(policy, returns)
        error = (data - target).square().mean(-1)
        penalty = conservative_penalty(uniform, policy, data, proposals.log_likelihood, self._actions, config)
        weight = config.cql_weight_online if online else config.cql_weight
        weighted = self._weigh(penalty, weight)
        self._step_critics((error + weighted).sum())
        return {
            "critic_loss": error.detach().mean(),
            "penalty": penalty.detach().mean(),
            "value": data.detach().mean(),
            "clamp_rate": below,
        }

    def _weigh(self, penalty: Tensor, weight: float) -> Tensor:
        """The penalty of each critic, float32 (E,), as it enters the loss; moves the multiplier if there is one."""
        if not self._config.lagrange_gap:
            return weight * penalty
        multiplier = self.more["multiplier"]
        factor = multiplier.frozen["log"].exp()
        excess = weight * (penalty - self._config.lagrange_gap)
        weighted = factor.clamp(max=_GREATEST_MULTIPLIER) * excess
        grows = (factor <= _GREATEST_MULTIPLIER) * factor
        multiplier.gradients.copy_(-excess.detach().mean() * grows)
        self._adam["multiplier"].step()
        return weighted

    @torch.no_grad()
    def _best_target(self, batch: Batch, proposals: Proposals) -> Tensor:
        """Bootstrapped value float32 (B,): of the best action drawn for the next state, or of the only one."""
        drawn = proposals.ahead
        if len(drawn) == 1:
            return self._target(batch, drawn[0], proposals.ahead_log_likelihood[0])
        states = batch.next_state.expand(len(drawn), -1, -1)
        q = values(self.target_critics.frozen, states.flatten(0, 1), drawn.flatten(0, 1))
        return self._bootstrapped(batch, q.amin(0).unflatten(0, (len(drawn), -1)).amax(0))


def conservative_penalty(
    uniform: Tensor, policy: Tensor, data: Tensor, log_likelihood: Tensor, actions: int, config: CalqlConfig
) -> Tensor:
    """By how much the soft maximum over actions is above the value of the data's action, mean over the batch.

    Args:
        uniform: float32 (E, n, B), values of actions drawn uniformly.
        policy: float32 (E, m, B), values of the policy's actions, calibrated where that is asked for.
        data: float32 (E, B), values of the data's action.
        log_likelihood: float32 (m, B), of the policy's actions.
        actions: components of an action.
        config: temperature, and whether actions are weighted by their density.

    Returns:
        float32 (E,).
    """
    if config.importance_sampling:
        # the density of a uniform action in [-1, 1]^A is 0.5^A
        asked = torch.cat((uniform + actions * math.log(2.0), policy - log_likelihood), 1)
    else:
        asked = torch.cat((uniform, policy, data[:, None]), 1)
    soft = config.cql_temperature * torch.logsumexp(asked / config.cql_temperature, 1)
    return (soft - data).mean(-1)
