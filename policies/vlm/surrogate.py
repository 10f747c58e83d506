"""What PPO with a critic, PPO in groups and KTO share: a policy's ratio to what it was, and the descent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.config import option
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import crew
from vlmrl_ros.policies.vlm.optimiser import Optimiser
from vlmrl_ros.policies.vlm.ppo_loss import utterance_log_prob
from vlmrl_ros.policies.vlm.scoring import Scores, never_said, score
from vlmrl_ros.policies.vlm.shards import split
from vlmrl_ros.policies.vlm.turns import RatioError, TurnBatch, gather

Metrics = dict[str, float]
LARGEST_ERROR = 1e-3
"""Largest deviation from 1 of a ratio of what is scored before the first step to what was drawn, in float32."""
LARGEST_DRIFT = 0.05
"""In half precision, where many roundings make a ratio: the mean distance of a token's log-probability as it is scored
from that at which it was drawn, nat, times the temperature. Of SmolLM2 in bfloat16 it is 0.03, after another prompt
0.08, at a temperature that is off by a third 0.2."""


@dataclass(frozen=True)
class UtteranceConfig:
    """Options of what learns by the log-probability of utterances, a gradient step at a time."""

    thought_weight: float = option(0.3, "lambda: weight of the thought's log-probability", low=0.0, high=1.0)
    temperature: float = option(0.7, "of the draw, and of the scores", low=0.05, high=5.0)
    minibatch: int = option(64, "turns in a gradient step", low=1, high=4096)
    learning_rate: float = option(1e-4, "of Adam at first", low=0.0, high=1.0)
    last_rate: float = option(
        0.05, "share of the learning rate that is left at the end, by a cosine", low=0.0, high=1.0
    )
    updates: int = option(12, "updates until then", low=1, high=10**6)
    max_gradient: float = option(0.5, "greatest norm of the gradient", low=1e-6, high=1e6)


@dataclass(frozen=True)
class SurrogateConfig(UtteranceConfig):
    """Options of the clipped surrogate; the defaults suit a small model that is trained whole."""

    discount: float = option(0.9, "gamma", low=0.0, high=1.0)
    clip: float = option(0.1, "the ratio, and a value's change, count within this distance", low=0.01, high=1.0)
    epochs: int = option(4, "passes over the turns of an update", low=1, high=100)


@dataclass(frozen=True)
class Taken:
    """Turns as they are scored before anything is learned from them."""

    log_prob: Tensor
    """float32 (B,): weighted, of each answer."""
    asked: Tensor
    """(B, D): hidden states that values are read from."""
    metrics: Metrics
    """How far that is from what was drawn: the greatest deviation of a ratio from 1, the mean of a token's, nat."""


class UtterancePolicy:
    """A model as a distribution over utterances, at one temperature and with one weight of the thoughts."""

    def __init__(self, model: Any, processor: Any, config: UtteranceConfig) -> None:
        """Take a model.

        Args:
            model: of ``AutoModelForImageTextToText``; kept in evaluation mode, so that no dropout tells the scores from
                the draw.
            processor: of the model.
            config: temperature, weight of the thoughts, and how many utterances go into one pass.
        """
        self.model, self.processor = model.eval(), processor
        split(model)
        self.temperature, self._weight, self._rows = config.temperature, config.thought_weight, config.minibatch
        self._forbidden = never_said(processor)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.model.device

    def batch(self, turns: Sequence[Turn]) -> TurnBatch:
        """Turns side by side.

        Raises:
            RatioError: what a turn is about does not make the prompt to which it was said.
        """
        return gather(turns, self.processor, self.device)

    def score(self, batch: TurnBatch) -> Scores:
        """What the model makes of the answers now, with gradients."""
        return score(self.model, batch.asked, batch.answers, self.temperature, self._forbidden)

    def log_prob(self, log_probs: Tensor, batch: TurnBatch) -> Tensor:
        """Weighted log-probability of each answer of a batch, float32 (B,), from those of its tokens (B, T)."""
        return utterance_log_prob(log_probs, batch.names_action, self._weight)

    def parts(self, batch: TurnBatch) -> Iterator[TurnBatch]:
        """A batch in pieces."""
        count = len(batch.answers)
        for begin in range(0, count, self._rows):
            yield batch.rows(np.arange(begin, min(begin + self._rows, count)))

    @torch.no_grad()
    def take(self, batch: TurnBatch) -> Taken:
        """Score everything once before anything is learned: what ratios are counted from.

        Raises:
            RatioError: that is not what was drawn.
        """
        scored = [(part, self.score(part)) for part in self.parts(batch)]
        log_prob = torch.cat([self.log_prob(scores.log_probs, part) for part, scores in scored])
        ratio = (log_prob - self.log_prob(batch.log_probs, batch)).exp()
        apart = sum((scores.log_probs - part.log_probs).abs().sum() for part, scores in scored)
        error, drift = float((ratio - 1).abs().max()), float(apart / batch.present.sum())
        if self.model.dtype == torch.float32 and not error <= LARGEST_ERROR:
            raise RatioError(f"the ratio before the first step is off 1 by {error:.2g}; at most {LARGEST_ERROR:g}")
        if not drift * self.temperature <= LARGEST_DRIFT:
            most = LARGEST_DRIFT / self.temperature
            raise RatioError(f"tokens are scored {drift:.2g} nat off what they were drawn at; at most {most:.2g}")
        metrics = {"first_ratio_error": error, "first_token_error": drift}
        return Taken(log_prob, torch.cat([scores.asked for _, scores in scored]), metrics)


class Descent:
    """Gradient steps whose rate falls by a cosine over the updates."""

    def __init__(self, weights: Iterable[Tensor], config: UtteranceConfig) -> None:
        """Take what is trained."""
        self._config = config
        self.optimiser = Optimiser(torch.optim.Adam, weights, config.max_gradient, eps=1e-7)
        self.updates = 0
        """So many are done; the rate is that of after them."""

    def step(self, loss: Tensor) -> float:
        """One gradient step down a loss, or this process's part of it; the norm of the gradient."""
        done, last = min(self.updates / self._config.updates, 1.0), self._config.last_rate
        share = last + (1 - last) * (1 + np.cos(np.pi * done)) / 2
        return self.optimiser.step(loss, self._config.learning_rate * float(share))


def minibatches(rng: np.random.Generator, count: int, config: SurrogateConfig) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the minibatches of all epochs, out of ``count``."""
    for _ in range(config.epochs):
        order = rng.permutation(count)
        yield from np.split(order, range(config.minibatch, count, config.minibatch))


def means(losses: Sequence[Metrics], device: torch.device) -> Metrics:
    """The mean of each metric over gradient steps; of each step the processes of a crew have a weighted part."""
    return crew.add_up({name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]}, device)


def told(turns: Sequence[Turn], batch: TurnBatch) -> Metrics:
    """What is logged of the turns of an update: parse rate, length of the answers, of it the thoughts', and reward."""
    return {
        "parse_rate": float(np.mean([turn.said.valid for turn in turns])),
        "answer_tokens": float(np.mean([len(answer) for answer in batch.answers])),
        "thought_tokens": float((batch.present & ~batch.names_action).sum(-1).float().mean()),
        "reward": float(np.mean([turn.reward for turn in turns])),
    }
