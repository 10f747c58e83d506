"""Answers as they grow: what is drawn, and when one is complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.policies.vlm.scoring import FORBIDDEN

ACTION_ENDS = re.compile(r'"action"\s*:\s*"[^"]*"\s*\}', re.IGNORECASE)
"""What follows the action is of no interest."""
CLOSES = ("}", "<0x7D>")
"""What a token has in it that may end an action; the latter in vocabularies that fall back to bytes."""

Source = torch.Generator | Sequence[np.random.Generator] | None
"""Where a draw takes its chances from."""


class Draw:
    """Takes tokens from logits."""

    def __init__(self, forbidden: Sequence[int], temperature: float, source: Source = None) -> None:
        """Say how.

        Args:
            forbidden: ids of tokens that are never drawn.
            temperature: 0 takes the likeliest token, whose log-probability is given at temperature 1.
            source: of chance; one for all rows, or one for each, so that a row draws the same in every batch. Torch's
                own stream by default.
        """
        self._forbidden, self._temperature, self._source = list(forbidden), temperature, source
        self._barred: Tensor | None = None

    def __call__(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens, int64 (B,), and their log-probabilities, float32 (B,), from logits (B, V)."""
        if self._barred is None:
            self._barred = torch.zeros(logits.shape[-1], device=logits.device)
            self._barred[self._forbidden] = FORBIDDEN
        allowed = logits.float() + self._barred
        if not self._temperature:
            log_probs = torch.log_softmax(allowed, -1)
            tokens = log_probs.argmax(-1, keepdim=True)
        else:
            log_probs = torch.log_softmax(allowed / self._temperature, -1)
            tokens = self._drawn(log_probs.exp())
        return tokens[:, 0], log_probs.gather(-1, tokens)[:, 0]

    def _drawn(self, chances: Tensor) -> Tensor:
        """Tokens, int64 (B, 1), by their chances (B, V)."""
        if self._source is None or isinstance(self._source, torch.Generator):
            return torch.multinomial(chances, 1, generator=self._source)
        shares = torch.tensor([[rng.random()] for rng in self._source], dtype=torch.float64, device=chances.device)
        sums = chances.double().cumsum(-1)
        return torch.searchsorted(sums, shares * sums[:, -1:], right=True).clamp_max(chances.shape[-1] - 1)


def closing_tokens(tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that may end an action."""
    names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    return frozenset(index for index, name in enumerate(names) if any(part in str(name) for part in CLOSES))


class Answers:
    """The answers of one batch."""

    def __init__(self, tokenizer: Any, closing: frozenset[int], count: int) -> None:
        """Begin.

        Args:
            tokenizer: of the model.
            closing: see :func:`closing_tokens`.
            count: how many.
        """
        self._tokenizer, self._closing, self._end = tokenizer, closing, tokenizer.eos_token_id
        self._ids: list[list[int]] = [[] for _ in range(count)]
        self._log_probs: list[list[float]] = [[] for _ in range(count)]
        self.ended = [False] * count

    @property
    def all_ended(self) -> bool:
        """Nothing more is wanted."""
        return all(self.ended)

    def add(self, tokens: list[int], log_probs: list[float]) -> None:
        """Append to those that go on; one ends at its end token or behind its action."""
        for row, (token, log_prob) in enumerate(zip(tokens, log_probs, strict=True)):
            if self.ended[row]:
                continue
            self._ids[row].append(token)
            self._log_probs[row].append(log_prob)
            named = token in self._closing and ACTION_ENDS.search(self._text(row)) is not None
            self.ended[row] = token == self._end or named

    def utterances(self, prompts: Sequence[npt.NDArray[np.int64]]) -> list[Utterance]:
        """The answers with their prompts."""
        return [
            Utterance(
                text=self._text(row),
                prompt_ids=prompt,
                token_ids=np.array(self._ids[row], np.int64),
                log_probs=np.array(self._log_probs[row], np.float32),
                ended=self.ended[row],
            )
            for row, prompt in enumerate(prompts)
        ]

    def _text(self, row: int) -> str:
        return str(self._tokenizer.decode(self._ids[row], skip_special_tokens=True))
