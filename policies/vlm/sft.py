"""Supervised fine-tuning: answers that were shown become likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vlmrl_ros.core.config import option
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm import crew
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.optimiser import Optimiser
from vlmrl_ros.policies.vlm.scoring import score
from vlmrl_ros.policies.vlm.shards import split


@dataclass(frozen=True)
class SftConfig:
    """Options; the defaults suit a small model that is trained whole."""

    steps: int = option(400, "gradient steps, after which the rate is at its last share", low=1, high=10**7)
    minibatch: int = option(32, "examples in a step", low=1, high=4096)
    learning_rate: float = option(5e-4, "of AdamW after the warm-up", low=0.0, high=1.0)
    warm_up: int = option(30, "steps until then", low=0, high=10**6)
    last_rate: float = option(0.0, "share of the learning rate that is left at the end, by a cosine", low=0.0, high=1.0)
    max_gradient: float = option(1.0, "greatest norm of the gradient", low=1e-6, high=1e6)


@dataclass(frozen=True)
class Example:
    """A prompt and the answer that somebody gave to it."""

    observation: TextObservation
    answer: str


class Tuner:
    """Trains on minibatches of the examples that it has been given so far."""

    def __init__(self, model: Any, processor: Any, rng: np.random.Generator, config: SftConfig) -> None:
        """Take a model, all of whose weights that need gradients are trained.

        Args:
            model: of ``AutoModelForImageTextToText``; kept in evaluation mode.
            processor: of the model.
            rng: draws the minibatches.
            config: options.
        """
        self._model, self._processor, self._rng, self._config = model.eval(), processor, rng, config
        split(model)
        trained = [weights for weights in model.parameters() if weights.requires_grad]
        self.optimiser = Optimiser(torch.optim.AdamW, trained, config.max_gradient)
        self._asked: list[Asked] = []
        self._answers: list[npt.NDArray[np.int64]] = []
        self.steps = 0

    def __len__(self) -> int:
        """Examples so far."""
        return len(self._answers)

    def add(self, examples: Sequence[Example]) -> None:
        """Keep examples."""
        tokenizer = self._processor.tokenizer
        for one in examples:
            ids = tokenizer(one.answer, add_special_tokens=False)["input_ids"]
            self._asked.append(Asked.by(self._processor, one.observation))
            self._answers.append(np.array([*ids, tokenizer.eos_token_id]))

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self._config.learning_rate * _share(self.steps, self._config)

    def step(self) -> float:
        """One gradient step; the mean negative log-probability of a token before it, nat."""
        index = self._rng.choice(len(self), min(self._config.minibatch, len(self)), replace=False)
        tokens = sum(len(self._answers[row]) for row in index)
        mine, share = crew.own_rows(index)
        scores = score(self._model, [self._asked[row] for row in mine], [self._answers[row] for row in mine], 1.0)
        loss = -scores.log_probs.sum() / tokens if share else scores.log_probs.sum() * 0.0
        self.optimiser.step(loss, self.learning_rate)
        self.steps += 1
        return crew.add_up({"loss": loss.item()}, loss.device)["loss"]


def fine_tune(model: Any, processor: Any, examples: Sequence[Example], seed: int, config: SftConfig) -> list[float]:
    """Train on examples for the steps of the configuration; the loss of each.

    Args:
        model, processor, config: see :class:`Tuner`.
        examples: in any order.
        seed: of the draw of the minibatches.
    """
    tuner = Tuner(model, processor, np.random.default_rng(seed), config)
    tuner.add(examples)
    return [tuner.step() for _ in range(config.steps)]


def _share(step: int, config: SftConfig) -> float:
    if step < config.warm_up:
        return (step + 1) / config.warm_up
    done = min(1.0, (step - config.warm_up) / max(1, config.steps - config.warm_up))
    return config.last_rate + (1 - config.last_rate) * float(1 + np.cos(np.pi * done)) / 2
