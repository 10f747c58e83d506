"""Takeovers as preference data: KTO on utterances, of which each is told good or bad by itself.

A takeover says that an utterance was wrong, and of no other one that it would have been better: there are no pairs.
Source: Ethayarajh et al., KTO: Model Alignment as Prospect Theoretic Optimization, ICML 2024, arXiv 2402.01306, with
RL4VLM's weighted log-probability for that of the answer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.config import option
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import crew
from vlmrl_ros.policies.vlm.judged import Judged, judge, side_by_side
from vlmrl_ros.policies.vlm.kto_loss import baseline, class_weights, regret
from vlmrl_ros.policies.vlm.surrogate import Descent, Metrics, UtteranceConfig, UtterancePolicy, means
from vlmrl_ros.policies.vlm.turns import TurnBatch


@dataclass(frozen=True)
class KtoConfig(UtteranceConfig):
    """Options; the defaults suit a small model that is trained whole."""

    beta: float = option(
        0.5, "the greater it is, the nearer the policy stays to what it was at first", low=1e-4, high=100.0
    )
    steps_per_update: int = option(16, "gradient steps in an update", low=1, high=10**6)
    minibatch: int = option(64, "turns in a gradient step; what they were asked is exchanged", low=2, high=4096)


class UtteranceKto:
    """Learns from minibatches of the utterances that it has been given so far."""

    def __init__(self, model: Any, processor: Any, rng: np.random.Generator, config: KtoConfig | None = None) -> None:
        """Take a model, all of whose weights that need gradients are trained; it is its own reference as it is now.

        Args:
            model: of ``AutoModelForImageTextToText``; kept in evaluation mode.
            processor: of the model.
            rng: draws the minibatches.
            config: options.
        """
        self.config = config or KtoConfig()
        self._reference = UtterancePolicy(as_it_is(model), processor, self.config)
        self._policy = UtterancePolicy(model, processor, self.config)
        self._rng = rng
        self.descent = Descent([one for one in model.parameters() if one.requires_grad], self.config)
        self.judged: list[Judged] = []

    def add(self, turns: Iterable[Turn]) -> None:
        """Keep what turns say of their utterances.

        Raises:
            ConfigError: see :func:`~vlmrl_ros.policies.vlm.judged.judge`.
        """
        found = (judge(turn, self._policy.processor) for turn in turns)
        self.judged += [one for one in found if one is not None]

    @property
    def counts(self) -> tuple[int, int]:
        """How many utterances are desirable, and how many are not."""
        passed = sum(one.desirable for one in self.judged)
        return passed, len(self.judged) - passed

    def update(self) -> Metrics:
        """Make ``steps_per_update`` gradient steps; there has to be an utterance of either kind.

        Returns:
            loss, norm of the gradient, ``kl``, the reference point, and ``margin``, by how much more the log-ratio of
            desirable utterances is than that of the others, nat; ``undesirable``, the share of these in all.
        """
        passed, stopped = self.counts
        weights = class_weights(passed, stopped)
        losses = [self._step(weights) for _ in range(self.config.steps_per_update)]
        self.descent.updates += 1
        return {**means(losses, self._policy.device), "undesirable": stopped / (passed + stopped)}

    def _step(self, weights: tuple[float, float]) -> Metrics:
        """One gradient step; metrics are weighted by this process's share of it."""
        device, count = self._policy.device, min(self.config.minibatch, len(self.judged))
        index = self._rng.choice(len(self.judged), count, replace=False)
        mine, share = crew.own_rows(np.arange(count))
        batch, desirable = side_by_side([self.judged[row] for row in index], device)
        own, good = batch.rows(mine), desirable[mine]
        with torch.no_grad():
            exchanged = self._log_ratio(_exchanged(batch, mine)).mean()
        every = crew.add_up({"exchanged": share * float(exchanged)}, device)
        point = baseline(torch.tensor(every["exchanged"], device=device))
        log_ratio = self._log_ratio(own)
        weight = torch.where(good, *weights)
        loss = (weight * regret(log_ratio, good, point, self.config.beta)).mean()
        norm = self.descent.step(share * loss)
        margin = 2 * (torch.where(good, weight, -weight) * log_ratio.detach()).mean()
        found = {"loss": loss.item(), "gradient_norm": norm, "kl": float(point), "margin": float(margin)}
        return {name: share * value for name, value in found.items()}

    def _log_ratio(self, batch: TurnBatch) -> Tensor:
        """log(policy / reference) of each answer, float32 (B,), with gradients of the policy."""
        with torch.no_grad():
            at_first = self._reference.log_prob(self._reference.score(batch).log_probs, batch)
        return self._policy.log_prob(self._policy.score(batch).log_probs, batch) - at_first


def as_it_is(model: Any) -> Any:
    """A copy that stays as the model is now and is not trained; it shares the weights that are not trained anyway.

    Of a new LoRA adapter it has the one that changes nothing: the model without it.
    """
    frozen = [one for one in model.parameters() if not one.requires_grad]
    shared = {id(one): one for one in (*frozen, *model.buffers())}
    return copy.deepcopy(model, shared).requires_grad_(False)


def _exchanged(batch: TurnBatch, rows: Any) -> TurnBatch:
    """Some rows of a batch, each with the answer of the next row of the whole batch, that of the last the first one."""
    others = (rows + 1) % len(batch.answers)
    return replace(batch.rows(others), asked=[batch.asked[row] for row in rows])
