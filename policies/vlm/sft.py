"""Supervised fine-tuning: answers that were shown become likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.config import option
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.scoring import score
from vlmrl_ros.policies.vlm.turns import pixels


@dataclass(frozen=True)
class SftConfig:
    """Options; the defaults suit a small model that is trained whole."""

    steps: int = option(400, "gradient steps", low=1, high=10**7)
    minibatch: int = option(32, "examples in a step", low=1, high=4096)
    learning_rate: float = option(5e-4, "of AdamW after the warm-up, from where a cosine leads to 0", low=0.0, high=1.0)
    warm_up: int = option(30, "steps until then", low=0, high=10**6)
    max_gradient: float = option(1.0, "greatest norm of the gradient", low=1e-6, high=1e6)


@dataclass(frozen=True)
class Example:
    """A prompt and the answer that somebody gave to it."""

    observation: TextObservation
    answer: str


def fine_tune(model: Any, processor: Any, examples: Sequence[Example], seed: int, config: SftConfig) -> list[float]:
    """Train on examples, each with one image.

    Args:
        model: of ``AutoModelForImageTextToText``; kept in evaluation mode.
        processor: of the model.
        examples: in any order.
        seed: of the draw of the minibatches.
        config: options.

    Returns:
        the loss of each step: mean negative log-probability of a token, nat.
    """
    tokenizer = processor.tokenizer
    asked = processor(
        text=[one.observation.text for one in examples],
        images=[list(one.observation.images) for one in examples],
        return_tensors="np",
        padding=True,
    )
    prompts = [row[keep.astype(bool)] for row, keep in zip(asked["input_ids"], asked["attention_mask"], strict=True)]
    ends = [
        np.array([*tokenizer(one.answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id])
        for one in examples
    ]
    seen = pixels([one.observation for one in examples], processor)
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(trained, config.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, config))
    rng, losses = np.random.default_rng(seed), []
    for _ in range(config.steps):
        index = rng.choice(len(examples), min(config.minibatch, len(examples)), replace=False)
        answers = [ends[row] for row in index]
        scores = score(model, [prompts[row] for row in index], answers, seen[index], 1.0)
        loss = -scores.log_probs.sum() / sum(map(len, answers))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, config.max_gradient)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def _share(step: int, config: SftConfig) -> float:
    if step < config.warm_up:
        return (step + 1) / config.warm_up
    done = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return float(0.5 * (1 + np.cos(np.pi * done)))
