"""Reinforcement learning of utterances (RL4VLM): PPO whose action is a whole answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.config import option
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.crew import own_rows
from vlmrl_ros.policies.vlm.ppo_loss import FloatArray, advantages, policy_loss, value_loss
from vlmrl_ros.policies.vlm.scoring import ValueHead, score
from vlmrl_ros.policies.vlm.surrogate import (
    Descent,
    Metrics,
    SurrogateConfig,
    UtterancePolicy,
    means,
    minibatches,
    told,
)
from vlmrl_ros.policies.vlm.turns import TurnBatch


@dataclass(frozen=True)
class PpoConfig(SurrogateConfig):
    """Options; the defaults suit a small model that is trained whole."""

    trace: float = option(0.95, "lambda of the generalised advantages", low=0.0, high=1.0)
    value_weight: float = option(0.5, "weight of the value loss", low=0.0, high=10.0)


class UtterancePpo:
    """Learns from the turns of environments."""

    def __init__(self, model: Any, processor: Any, rng: np.random.Generator, config: PpoConfig | None = None) -> None:
        """Take a model, all of whose weights that need gradients are trained.

        Args:
            model: of ``AutoModelForImageTextToText``; kept in evaluation mode, so that no dropout tells the scores from
                the draw.
            processor: of the model.
            rng: draws the order of the turns and the weights of the value head.
            config: options.
        """
        self.config = config or PpoConfig()
        self._policy = UtterancePolicy(model, processor, self.config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            self.value = ValueHead(model.config.get_text_config().hidden_size).to(model.device)
        self._rng = rng
        trained = [weights for weights in model.parameters() if weights.requires_grad]
        self.descent = Descent([*trained, *self.value.parameters()], self.config)

    def update(self, streams: Sequence[Sequence[Turn]]) -> Metrics:
        """Learn from what was lived through, in the order in which it was.

        Args:
            streams: the turns of each environment; what follows a stream's last turn is valued by the critic.

        Returns:
            losses, how far the scores are from the draw, parse rate and length of the answers.

        Raises:
            RatioError: what is scored before the first step is not what was drawn.
        """
        flat = [turn for stream in streams for turn in stream]
        batch = self._policy.batch(flat)
        taken = self._policy.take(batch)
        values, made, returns = self._judge(streams, taken.asked)
        made = (made - made.mean()) / (made.std() + 1e-5)
        losses: list[Metrics] = []
        for index in minibatches(self._rng, len(flat), self.config):
            mine, share = own_rows(index)
            rows, chosen = torch.from_numpy(mine), batch.rows(mine)
            given = (taken.log_prob[rows], made[rows], values[rows], returns[rows])
            losses.append(self._step(chosen, share, *given))
        self.descent.updates += 1
        return {**means(losses, self._policy.device), **taken.metrics, **told(flat, batch)}

    @torch.no_grad()
    def _judge(self, streams: Sequence[Sequence[Turn]], asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Values, advantages and returns, float32, one for each turn, where the policy is."""
        flat = [turn for stream in streams for turn in stream]
        values = self.value(asked).cpu().numpy()
        following = np.append(values[1:], np.float32(0.0))
        ends = {place - 1 for place in accumulate(map(len, streams))}
        cut = [row for row, turn in enumerate(flat) if turn.truncated or (row in ends and not turn.last)]
        if cut:
            following[cut] = self._values_after([flat[row] for row in cut])
        made, returns = advantages(
            np.array([turn.reward for turn in flat], np.float32)[:, None],
            values[:, None],
            following[:, None],
            np.array([turn.terminated for turn in flat])[:, None],
            np.array([turn.last or row in ends for row, turn in enumerate(flat)])[:, None],
            self.config.discount,
            self.config.trace,
        )
        return tuple(torch.from_numpy(array.reshape(-1)).to(asked.device) for array in (values, made, returns))

    def _values_after(self, turns: Sequence[Turn]) -> FloatArray:
        """Values of what was seen after turns."""
        policy = self._policy
        seen = [Asked.by(policy.processor, turn.after) for turn in turns]
        ends = [np.array([policy.processor.tokenizer.eos_token_id])] * len(seen)
        return self.value(score(policy.model, seen, ends, policy.temperature).asked).cpu().numpy()

    def _step(
        self, batch: TurnBatch, share: float, old: Tensor, made: Tensor, values: Tensor, returns: Tensor
    ) -> Metrics:
        """One gradient step; metrics are weighted by this process's share of it."""
        scores = self._policy.score(batch)
        log_prob = self._policy.log_prob(scores.log_probs, batch)
        actor = policy_loss(log_prob, old, made, self.config.clip)
        critic = value_loss(self.value(scores.asked), values, returns, self.config.clip)
        norm = self.descent.step(share * (actor + self.config.value_weight * critic))
        found = {
            "policy_loss": actor.item(),
            "value_loss": critic.item(),
            "gradient_norm": norm,
            "entropy": float(scores.entropy.detach().sum() / batch.present.sum()),
            "kl": float((old - log_prob.detach()).mean()),
        }
        return {name: share * value for name, value in found.items()}
