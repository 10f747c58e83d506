"""Turns as a vision-language model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.spans import names_action


class RatioError(VlmrlError):
    """What is scored is not what was drawn."""


@dataclass(frozen=True)
class TurnBatch:
    """Turns as a model takes them."""

    asked: list[Asked]
    answers: list[npt.NDArray[np.int64]]
    """Token ids, int64 (T_i,) each."""
    names_action: Tensor
    """bool (B, T)."""
    log_probs: Tensor
    """float32 (B, T), of the tokens when they were drawn; 0 beyond an answer's end."""

    @property
    def present(self) -> Tensor:
        """Which tokens there are, bool (B, T)."""
        device = self.log_probs.device
        lengths = torch.tensor([len(answer) for answer in self.answers], device=device)
        return torch.arange(self.log_probs.shape[1], device=device)[None] < lengths[:, None]

    def rows(self, index: npt.NDArray[np.int64]) -> TurnBatch:
        """Some of the turns, as short as they allow."""
        answers = [self.answers[row] for row in index]
        longest = max(map(len, answers))
        return TurnBatch(
            asked=[self.asked[row] for row in index],
            answers=answers,
            names_action=self.names_action[index, :longest],
            log_probs=self.log_probs[index, :longest],
        )


def gather(turns: Sequence[Turn], processor: Any, device: torch.device) -> TurnBatch:
    """Put turns side by side.

    Args:
        turns: of the model, one or more.
        processor: of the model.
        device: of the tensors; prompts and images follow when they are scored.

    Raises:
        RatioError: what a turn is about does not make the prompt to which it was said.
    """
    answers = [turn.utterance.token_ids for turn in turns]
    named = torch.zeros(len(turns), max(map(len, answers)), dtype=torch.bool)
    log_probs = torch.zeros(named.shape)
    for row, turn in enumerate(turns):
        length = len(answers[row])
        named[row, :length] = torch.from_numpy(names_action(processor.tokenizer, answers[row], turn.said))
        log_probs[row, :length] = torch.from_numpy(turn.utterance.log_probs)
    return TurnBatch([_asked(turn, processor) for turn in turns], answers, named.to(device), log_probs.to(device))


def _asked(turn: Turn, processor: Any) -> Asked:
    """What was asked, with the tokens to which the answer was drawn."""
    asked, read = Asked.by(processor, turn.observation), turn.utterance.prompt_ids
    if not np.array_equal(asked.ids, read):
        raise RatioError(
            f"a turn was said to a prompt of {len(read)} tokens, and what it is about makes another one of "
            f"{len(asked.ids)}: policy and learner have not the same processor"
        )
    return asked
