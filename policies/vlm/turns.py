"""Turns as a vision-language model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.spans import names_action


@dataclass(frozen=True)
class TurnBatch:
    """Turns as a model takes them."""

    prompts: list[npt.NDArray[np.int64]]
    answers: list[npt.NDArray[np.int64]]
    pixels: Tensor
    """float32 (B, K, C, H, W), K images each."""
    names_action: Tensor
    """bool (B, T)."""
    log_probs: Tensor
    """float32 (B, T), of the tokens when they were drawn; 0 beyond an answer's end."""

    @property
    def present(self) -> Tensor:
        """Which tokens there are, bool (B, T)."""
        lengths = torch.tensor([len(answer) for answer in self.answers])
        return torch.arange(self.log_probs.shape[1])[None] < lengths[:, None]

    def rows(self, index: npt.NDArray[np.int64]) -> TurnBatch:
        """Some of the turns, as short as they allow."""
        answers = [self.answers[row] for row in index]
        longest = max(map(len, answers))
        return TurnBatch(
            prompts=[self.prompts[row] for row in index],
            answers=answers,
            pixels=self.pixels[index],
            names_action=self.names_action[index, :longest],
            log_probs=self.log_probs[index, :longest],
        )


def gather(turns: Sequence[Turn], processor: Any) -> TurnBatch:
    """Put turns side by side.

    Args:
        turns: each with equally many images.
        processor: of the model.

    Raises:
        ShapeError: they have not.
    """
    answers = [turn.utterance.token_ids for turn in turns]
    named = torch.zeros(len(turns), max(map(len, answers)), dtype=torch.bool)
    log_probs = torch.zeros(named.shape)
    for row, turn in enumerate(turns):
        length = len(answers[row])
        named[row, :length] = torch.from_numpy(names_action(processor.tokenizer, answers[row], turn.said))
        log_probs[row, :length] = torch.from_numpy(turn.utterance.log_probs)
    prompts = [turn.utterance.prompt_ids for turn in turns]
    return TurnBatch(prompts, answers, pictures([turn.observation for turn in turns], processor), named, log_probs)


def pictures(observations: Sequence[TextObservation], processor: Any) -> Tensor:
    """The images of observations as the vision tower takes them, float32 (B, K, C, H, W).

    Raises:
        ShapeError: some have more images than others.
    """
    counts = {len(one.images) for one in observations}
    if len(counts) > 1:
        raise ShapeError(
            f"observations that are learned from together have {sorted(counts)} images; valid: equally many"
        )
    return pixels(observations, processor).unflatten(0, (len(observations), -1))


def pixels(observations: Sequence[TextObservation], processor: Any) -> Tensor:
    """All images of observations, one after the other, as the vision tower takes them, float32 (N, C, H, W)."""
    images = [image for one in observations for image in one.images]
    return processor.image_processor(images, return_tensors="pt")["pixel_values"]
