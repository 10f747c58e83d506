"""Answers from a vision-language model: the prompt once, then token after token into a cache of fixed size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import StaticCache

from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.scoring import FORBIDDEN, never_said

ACTION_ENDS = re.compile(r'"action"\s*:\s*"[^"]*"\s*\}', re.IGNORECASE)
"""What follows the action is of no interest."""


@dataclass(frozen=True)
class Utterance:
    """What a model said to one observation, with all that is needed to score it again."""

    text: str
    prompt_ids: npt.NDArray[np.int64]
    """int64 (P,): the prompt as the model read it, without padding."""
    token_ids: npt.NDArray[np.int64]
    """int64 (T,): the answer, the end token included where there is one."""
    log_probs: npt.NDArray[np.float32]
    """float32 (T,): log-probability of each token at the temperature at which it was drawn."""
    ended: bool
    """It ended by itself, not because it grew too long."""


class Decoder:
    """Decodes for several observations at once; the same tokens as ``generate`` of transformers.

    Works with each model of ``AutoModelForImageTextToText`` whose forward pass takes embeddings of a prompt with its
    images and a static cache.
    """

    def __init__(self, model: Any, processor: Any, max_new_tokens: int) -> None:
        """Take a model.

        Args:
            model: in evaluation mode.
            processor: of the model; pads on the left.
            max_new_tokens: longest answer.
        """
        self._model, self._processor = model, processor
        self._most = max_new_tokens
        self._language = model.model.language_model
        self._embed, self._head = model.get_input_embeddings(), model.get_output_embeddings()
        self._context = int(model.config.get_text_config().max_position_embeddings)
        self._end = processor.tokenizer.eos_token_id
        self._forbidden = never_said(processor)

    def inputs(self, observations: Sequence[TextObservation]) -> Any:
        """What the model takes of observations: token ids, mask and pixels.

        Raises:
            RangeError: a prompt that leaves no room for an answer.
        """
        images = [list(one.images) for one in observations]
        made = self._processor(
            text=[one.text for one in observations],
            images=images if any(images) else None,
            return_tensors="pt",
            padding=True,
        )
        length = made["input_ids"].shape[1]
        if length + self._most > self._context:
            raise RangeError(
                f"a prompt has {length} tokens and an answer up to {self._most}; together at most {self._context}"
            )
        return made.to(self._model.device)

    @torch.no_grad()
    def decode(
        self, observations: Sequence[TextObservation], temperature: float, generator: torch.Generator | None = None
    ) -> list[Utterance]:
        """Answer observations.

        Args:
            observations: one or more.
            temperature: of the draw; 0 takes the likeliest token, whose log-probability is given at temperature 1.
            generator: of the draw; of torch's own stream by default.

        Returns:
            an answer each.

        Raises:
            RangeError: a prompt that is too long.
        """
        inputs = self.inputs(observations)
        ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
        rows = _Rows(self._processor.tokenizer, len(observations), self._end)
        state = _Decoding(self, inputs, mask)
        logits = state.prefill()
        for step in range(self._most):
            logits[:, self._forbidden] = FORBIDDEN
            tokens, log_probs = _draw(logits, temperature, generator)
            rows.add(tokens.tolist(), log_probs.tolist())
            if rows.all_ended or step + 1 == self._most:
                break
            logits = state.forward(tokens)
        return rows.utterances([row[keep].cpu().numpy() for row, keep in zip(ids, mask, strict=True)])


class _Decoding:
    """The cache of one batch, filled as far as it has been decoded."""

    def __init__(self, decoder: Decoder, inputs: Any, mask: Tensor) -> None:
        batch, prompt = mask.shape
        room = prompt + decoder._most
        self._decoder, self._inputs = decoder, inputs
        self._cache = StaticCache(decoder._model.config.get_text_config(), max_cache_len=room)
        self._mask = torch.zeros(batch, 1, 1, room, dtype=torch.bool, device=mask.device)
        self._mask[:, 0, 0, :prompt] = mask
        self._at = prompt
        self._positions = mask.sum(-1, keepdim=True)

    def prefill(self) -> Tensor:
        """Read the prompts; logits (B, V) of the first tokens."""
        mask = self._inputs["attention_mask"]
        positions = (mask.cumsum(-1) - 1).clamp_min(0)
        out = self._decoder._model(
            **self._inputs, position_ids=positions, past_key_values=self._cache, use_cache=True, logits_to_keep=1
        )
        return out.logits[:, -1]

    def forward(self, tokens: Tensor) -> Tensor:
        """Read one more token each, int64 (B,); logits (B, V) of those that follow."""
        self._mask[..., self._at] = True
        out = self._decoder._language(
            inputs_embeds=self._decoder._embed(tokens[:, None]),
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        self._at += 1
        self._positions = self._positions + 1
        return self._decoder._head(out.last_hidden_state[:, -1])


class _Rows:
    """The answers as they grow."""

    def __init__(self, tokenizer: Any, count: int, end: int) -> None:
        self._tokenizer, self._end = tokenizer, end
        self._ids: list[list[int]] = [[] for _ in range(count)]
        self._log_probs: list[list[float]] = [[] for _ in range(count)]
        self._ended = [False] * count

    @property
    def all_ended(self) -> bool:
        return all(self._ended)

    def add(self, tokens: list[int], log_probs: list[float]) -> None:
        """Append to the rows that go on; a row ends at its end token or behind its action."""
        for row, (token, log_prob) in enumerate(zip(tokens, log_probs, strict=True)):
            if self._ended[row]:
                continue
            self._ids[row].append(token)
            self._log_probs[row].append(log_prob)
            closes = "}" in self._tokenizer.decode([token])
            self._ended[row] = token == self._end or (closes and ACTION_ENDS.search(self._text(row)) is not None)

    def utterances(self, prompts: list[npt.NDArray[np.int64]]) -> list[Utterance]:
        """The answers with their prompts."""
        return [
            Utterance(
                text=self._text(row),
                prompt_ids=prompt,
                token_ids=np.array(self._ids[row], np.int64),
                log_probs=np.array(self._log_probs[row], np.float32),
                ended=self._ended[row],
            )
            for row, prompt in enumerate(prompts)
        ]

    def _text(self, row: int) -> str:
        return str(self._tokenizer.decode(self._ids[row], skip_special_tokens=True))


def _draw(logits: Tensor, temperature: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Tokens, int64 (B,), and their log-probabilities, float32 (B,), from logits (B, V)."""
    log_probs = torch.log_softmax(logits.float() / (temperature or 1.0), -1)
    if temperature:
        tokens = torch.multinomial(log_probs.exp(), 1, generator=generator)
    else:
        tokens = logits.argmax(-1, keepdim=True)
    return tokens[:, 0], log_probs.gather(-1, tokens)[:, 0]
