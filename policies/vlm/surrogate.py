"""What PPO with a critic and PPO in groups share: the ratio of a policy to what it was, and the descent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import crew
from vlmrl_ros.policies.vlm.ppo_loss import utterance_log_prob
from vlmrl_ros.policies.vlm.scoring import Scores, never_said, score
from vlmrl_ros.policies.vlm.shards import split
from vlmrl_ros.policies.vlm.turns import TurnBatch

Metrics = dict[str, float]
LARGEST_ERROR = 1e-3
"""Largest deviation from 1 of the ratio before the first step; beyond it what is scored is not what was drawn."""


@dataclass(frozen=True)
class SurrogateConfig:
    """Options of the clipped surrogate; the defaults suit a small model that is trained whole."""

    thought_weight: float = option(0.3, "lambda: weight of the thought's log-probability", low=0.0, high=1.0)
    temperature: float = option(0.7, "of the draw, and of the scores", low=0.05, high=5.0)
    discount: float = option(0.9, "gamma", low=0.0, high=1.0)
    clip: float = option(0.1, "the ratio, and a value's change, count within this distance", low=0.01, high=1.0)
    epochs: int = option(4, "passes over the turns of an update", low=1, high=100)
    minibatch: int = option(64, "turns in a gradient step", low=1, high=4096)
    learning_rate: float = option(1e-4, "of Adam at first", low=0.0, high=1.0)
    last_rate: float = option(
        0.05, "share of the learning rate that is left at the end, by a cosine", low=0.0, high=1.0
    )
    updates: int = option(12, "updates until then", low=1, high=10**6)
    max_gradient: float = option(0.5, "greatest norm of the gradient", low=1e-6, high=1e6)


class RatioError(VlmrlError):
    """What is scored is not what was drawn."""


class UtterancePolicy:
    """A model as a distribution over utterances, at one temperature and with one weight of the thoughts."""

    def __init__(self, model: Any, processor: Any, config: SurrogateConfig) -> None:
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

    def score(self, batch: TurnBatch) -> Scores:
        """What the model makes of the answers now, with gradients."""
        seen = batch.pixels.flatten(0, 1)
        return score(self.model, batch.prompts, batch.answers, seen, self.temperature, self._forbidden)

    def log_prob(self, scores: Scores, batch: TurnBatch) -> Tensor:
        """Weighted log-probability of each answer, float32 (B,)."""
        return utterance_log_prob(scores.log_probs, batch.names_action, self._weight)

    def drawn(self, batch: TurnBatch) -> Tensor:
        """The same as it was when the answers were drawn."""
        return utterance_log_prob(batch.log_probs, batch.names_action, self._weight)

    def parts(self, batch: TurnBatch) -> Iterator[TurnBatch]:
        """A batch in pieces."""
        count = len(batch.answers)
        for begin in range(0, count, self._rows):
            yield batch.rows(np.arange(begin, min(begin + self._rows, count)))

    @torch.no_grad()
    def check(self, batch: TurnBatch) -> tuple[float, Tensor]:
        """Score everything once before anything is learned.

        Returns:
            the greatest deviation of a ratio from 1, and the hidden states (B, D) that values are read from.

        Raises:
            RatioError: it is too great.
        """
        scored = [(part, self.score(part)) for part in self.parts(batch)]
        now = torch.cat([self.log_prob(scores, part) for part, scores in scored])
        error = float((now - self.drawn(batch)).exp().sub(1).abs().max())
        if not error <= LARGEST_ERROR:
            raise RatioError(f"the ratio before the first step is off 1 by {error:.2g}; at most {LARGEST_ERROR:g}")
        return error, torch.cat([scores.asked for _, scores in scored])


class Descent:
    """Adam with a cosine over the updates and a bounded gradient; all that it remembers can be saved."""

    def __init__(self, weights: Iterable[Tensor], config: SurrogateConfig) -> None:
        """Take what is trained."""
        self._weights, self._config = list(weights), config
        self.optimiser = adam(torch.optim.Adam, self._weights, config.learning_rate, eps=1e-7)
        self.updates = 0

    def step(self, loss: Tensor) -> float:
        """One gradient step down a loss, or this process's part of it; the norm of the gradient."""
        self.optimiser.zero_grad()
        loss.backward()
        crew.add_up_gradients(self._weights)
        norm = crew.clip_gradients(self._weights, self._config.max_gradient)
        self.optimiser.step()
        return norm

    def end_update(self) -> None:
        """Lower the learning rate."""
        self.resume(self.updates + 1)

    def resume(self, updates: int) -> None:
        """Have the learning rate of after so many updates."""
        self.updates = updates
        done, last = min(updates / self._config.updates, 1.0), self._config.last_rate
        share = last + (1 - last) * (1 + np.cos(np.pi * done)) / 2
        self.optimiser.param_groups[0]["lr"] = self._config.learning_rate * float(share)


def adam(
    kind: type[torch.optim.Adam], weights: Sequence[Tensor], learning_rate: float, **options: Any
) -> torch.optim.Adam:
    """An optimiser that has its state from the beginning, so that a checkpoint can be read before the first step."""
    made = kind(weights, learning_rate, **options)
    for weight in weights:
        made.state[weight] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
    return made


def remembered(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers, live, by name."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    return {
        f"{row}.{name}": tensor
        for row, weight in enumerate(weights)
        for name, tensor in optimiser.state[weight].items()
    }


def minibatches(rng: np.random.Generator, count: int, config: SurrogateConfig) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the minibatches of all epochs, out of ``count``."""
    for _ in range(config.epochs):
        order = rng.permutation(count)
        yield from np.split(order, range(config.minibatch, count, config.minibatch))


def means(losses: Sequence[Metrics]) -> Metrics:
    """The mean of each metric over gradient steps; of each step the processes of a crew have a weighted part."""
    return crew.add_up({name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]})


def told(turns: Sequence[Turn]) -> Metrics:
    """What is logged of the turns of an update: parse rate, length and reward."""
    return {
        "parse_rate": float(np.mean([turn.said.valid for turn in turns])),
        "answer_tokens": float(np.mean([len(turn.utterance.token_ids) for turn in turns])),
        "reward": float(np.mean([turn.reward for turn in turns])),
    }
