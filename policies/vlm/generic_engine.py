"""Decodes with ``generate`` of transformers, for every model that has no faster way here."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from vlmrl_ros.policies.vlm.answers import Answers, Draw
from vlmrl_ros.policies.vlm.fused import New


class GenericEngine:
    """Lets the model lead itself through its prompt; only the draw and the end of an answer are ours."""

    def __init__(self, model: Any) -> None:
        """Take a model of ``AutoModelForImageTextToText``, with or without adapters."""
        self._model = model

    def prepare(self, new: New) -> None:
        """Nothing is kept beside the model."""

    def take(self, prepared: None) -> None:
        """See :meth:`prepare`."""

    def answer(self, inputs: Any, answers: Answers, draw: Draw, most: int) -> None:
        """Decode until all answers have ended or have ``most`` tokens."""
        self._model.generate(
            **inputs,
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            logits_processor=LogitsProcessorList([_Drawn(answers, draw)]),
            stopping_criteria=StoppingCriteriaList([_Ended(answers)]),
        )


class _Drawn(LogitsProcessor):
    """Draws, and leaves no other choice."""

    def __init__(self, answers: Answers, draw: Draw) -> None:
        self._answers, self._draw = answers, draw

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        tokens, log_probs = self._draw(scores)
        self._answers.add(tokens.tolist(), log_probs.tolist())
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens[:, None], 0.0)


class _Ended(StoppingCriteria):
    """Stops each answer where it is complete."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, input_ids: Tensor, scores: Any, **others: Any) -> Tensor:
        return torch.tensor(self._answers.ended, device=input_ids.device)
