"""Reinforcement learning of utterances (RL4VLM): PPO whose action is a whole answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.policies.vlm.ppo_loss import (
    FloatArray,
    advantages,
    policy_loss,
    utterance_log_prob,
    value_loss,
)
from vlmrl_ros.policies.vlm.scoring import ValueHead, never_said, score
from vlmrl_ros.policies.vlm.turns import Turn, TurnBatch, gather, pixels

Metrics = dict[str, float]
RATIO_ERROR = 1e-3
"""Largest deviation from 1 of the ratio before the first step; beyond it what is scored is not what was drawn."""


@dataclass(frozen=True)
class PpoConfig:
    """Options; the defaults suit a small model that is trained whole."""

    thought_weight: float = option(0.3, "lambda: weight of the thought's log-probability", low=0.0, high=1.0)
    temperature: float = option(0.7, "of the draw, and of the scores", low=0.05, high=5.0)
    discount: float = option(0.9, "gamma", low=0.0, high=1.0)
    trace: float = option(0.95, "lambda of the generalised advantages", low=0.0, high=1.0)
    clip: float = option(0.1, "the ratio, and a value's change, count within this distance", low=0.01, high=1.0)
    epochs: int = option(4, "passes over the turns of an update", low=1, high=100)
    minibatch: int = option(64, "turns in a gradient step", low=1, high=4096)
    learning_rate: float = option(1e-4, "of Adam at first", low=0.0, high=1.0)
    last_rate: float = option(
        0.05, "share of the learning rate that is left at the end, by a cosine", low=0.0, high=1.0
    )
    updates: int = option(12, "updates until then", low=1, high=10**6)
    value_weight: float = option(0.5, "weight of the value loss", low=0.0, high=10.0)
    max_gradient: float = option(0.5, "greatest norm of the gradient", low=1e-6, high=1e6)


class RatioError(VlmrlError):
    """What is scored is not what was drawn."""


class UtterancePpo:
    """Learns from turns of environments side by side."""

    def __init__(self, model: Any, processor: Any, seed: int, config: PpoConfig | None = None) -> None:
        """Take a model, all of whose weights that need gradients are trained.

        Args:
            model: of ``AutoModelForImageTextToText``; kept in evaluation mode, so that no dropout tells the scores from
                the draw.
            processor: of the model.
            seed: of the order of the turns.
            config: options.
        """
        self.config = config or PpoConfig()
        self._model, self._processor = model.eval(), processor
        self._forbidden = never_said(processor)
        self.value = ValueHead(model.config.get_text_config().hidden_size).to(model.device)
        self._rng = np.random.default_rng(seed)
        trained = [weights for weights in model.parameters() if weights.requires_grad]
        self._trained = [*trained, *self.value.parameters()]
        self._optimiser = torch.optim.Adam(self._trained, self.config.learning_rate, eps=1e-7)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, lambda done: cosine(done, self.config))

    def update(self, turns: Sequence[Sequence[Turn]]) -> Metrics:
        """Learn from S steps of N environments, S sequences of N turns.

        Returns:
            losses, ``first_ratio_error``, parse rate and length of the answers.

        Raises:
            RatioError: the ratio of a turn is not 1 before the first step.
        """
        flat = [turn for step in turns for turn in step]
        batch = gather(flat, self._processor)
        values, made, returns = self._judge(turns, batch)
        made = (made - made.mean()) / (made.std() + 1e-5)
        old = utterance_log_prob(batch.log_probs, batch.names_action, self.config.thought_weight)
        error = self._first_ratio_error(batch, old)
        losses: list[Metrics] = []
        for index in minibatches(self._rng, len(flat), self.config):
            rows, chosen = torch.from_numpy(index), batch.rows(index)
            losses.append(self._step(chosen, old[rows], made[rows], values[rows], returns[rows]))
        self._schedule.step()
        return {
            **{name: float(np.mean([loss[name] for loss in losses])) for name in losses[0]},
            "first_ratio_error": error,
            "parse_rate": float(np.mean([turn.said.valid for turn in flat])),
            "answer_tokens": float(np.mean([len(answer) for answer in batch.answers])),
            "reward": float(np.mean([turn.reward for turn in flat])),
        }

    @torch.no_grad()
    def _judge(self, turns: Sequence[Sequence[Turn]], batch: TurnBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Values, advantages and returns, float32 (S * N,)."""
        steps, width = len(turns), len(turns[0])
        flat = [turn for step in turns for turn in step]
        values = self._values(batch).reshape(steps, width)
        following = np.concatenate([values[1:], np.zeros((1, width), np.float32)])
        cut = [row for row, turn in enumerate(flat) if turn.truncated or (row >= (steps - 1) * width and not turn.last)]
        if cut:
            following.reshape(-1)[cut] = self._values_after([flat[row] for row in cut])
        made, returns = advantages(
            np.array([turn.reward for turn in flat], np.float32).reshape(steps, width),
            values,
            following,
            np.array([turn.terminated for turn in flat]).reshape(steps, width),
            np.array([turn.last for turn in flat]).reshape(steps, width),
            self.config.discount,
            self.config.trace,
        )
        return tuple(torch.from_numpy(array.reshape(-1)) for array in (values, made, returns))

    def _values(self, batch: TurnBatch) -> FloatArray:
        asked = [self.value(self._score(part).asked) for part in _parts(batch, self.config.minibatch)]
        return torch.cat(asked).numpy()

    def _values_after(self, turns: Sequence[Turn]) -> FloatArray:
        """Values of what was seen after turns."""
        seen = [turn.after for turn in turns]
        asked = self._processor(
            text=[one.text for one in seen],
            images=[list(one.images) for one in seen],
            return_tensors="pt",
            padding=True,
        )
        prompts = [
            row[keep].numpy() for row, keep in zip(asked["input_ids"], asked["attention_mask"].bool(), strict=True)
        ]
        ends = [np.array([self._processor.tokenizer.eos_token_id])] * len(seen)
        scores = score(self._model, prompts, ends, pixels(seen, self._processor), self.config.temperature)
        return self.value(scores.asked).numpy()

    @torch.no_grad()
    def _first_ratio_error(self, batch: TurnBatch, old: Tensor) -> float:
        parts = [self._log_prob(part) for part in _parts(batch, self.config.minibatch)]
        error = float((torch.cat(parts) - old).exp().sub(1).abs().max())
        if error > RATIO_ERROR:
            raise RatioError(f"the ratio before the first step is off 1 by {error:.2g}; at most {RATIO_ERROR:g}")
        return error

    def _step(self, batch: TurnBatch, old: Tensor, made: Tensor, values: Tensor, returns: Tensor) -> Metrics:
        scores = self._score(batch)
        log_prob = utterance_log_prob(scores.log_probs, batch.names_action, self.config.thought_weight)
        actor = policy_loss(log_prob, old, made, self.config.clip)
        critic = value_loss(self.value(scores.asked), values, returns, self.config.clip)
        self._optimiser.zero_grad()
        (actor + self.config.value_weight * critic).backward()
        norm = torch.nn.utils.clip_grad_norm_(self._trained, self.config.max_gradient)
        self._optimiser.step()
        return {
            "policy_loss": actor.item(),
            "value_loss": critic.item(),
            "gradient_norm": norm.item(),
            "entropy": float(scores.entropy.detach().sum() / batch.present.sum()),
            "kl": float((old - log_prob.detach()).mean()),
        }

    def _log_prob(self, batch: TurnBatch) -> Tensor:
        return utterance_log_prob(self._score(batch).log_probs, batch.names_action, self.config.thought_weight)

    def _score(self, batch: TurnBatch) -> Any:
        temperature = self.config.temperature
        return score(self._model, batch.prompts, batch.answers, batch.pixels, temperature, self._forbidden)


def cosine(update: int, config: PpoConfig) -> float:
    """Share of the learning rate at an update, counted from 0."""
    done = min(update / config.updates, 1.0)
    return float(config.last_rate + (1 - config.last_rate) * (1 + np.cos(np.pi * done)) / 2)


def minibatches(rng: np.random.Generator, count: int, config: PpoConfig) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the minibatches of all epochs, out of ``count``."""
    for _ in range(config.epochs):
        order = rng.permutation(count)
        yield from np.split(order, range(config.minibatch, count, config.minibatch))


def _parts(batch: TurnBatch, size: int) -> Iterator[TurnBatch]:
    count = len(batch.answers)
    for begin in range(0, count, size):
        yield batch.rows(np.arange(begin, min(begin + size, count)))
