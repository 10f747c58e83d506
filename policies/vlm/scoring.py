"""Log-probabilities of answers that were given, and the value of what was asked, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Scores:
    """What a model makes of a batch of answers; T is the length of the longest."""

    log_probs: Tensor
    """float32 (B, T): of each token, at the temperature asked for; 0 beyond an answer's end."""
    entropy: Tensor
    """float32 (B, T): of the distributions that they were drawn from; 0 beyond an answer's end."""
    asked: Tensor
    """(B, D): hidden state of the last token of the prompt, in the last layer."""


READ = "read_answers"
"""Attribute that a model has where :func:`read_answers` has to go through it, because its weights are split."""
FORBIDDEN = -1e9
"""Logit of a token that no answer may have."""


def never_said(processor: Any) -> list[int]:
    """Ids of tokens that stand for something else than text: no answer may have them, drawn or scored."""
    tokenizer = processor.tokenizer
    image = tokenizer.convert_tokens_to_ids(processor.image_token)
    others = (tokenizer.pad_token_id, tokenizer.bos_token_id)
    return sorted({image} | {one for one in others if one is not None} - {tokenizer.eos_token_id})


class ValueHead(nn.Module):
    """State value of a prompt from its last hidden state; zero at first. RL4VLM has it on the shared backbone."""

    def __init__(self, width: int, hidden: int = 256) -> None:
        """Make the layers.

        Args:
            width: of the language model.
            hidden: of the layer between.
        """
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, asked: Tensor) -> Tensor:
        """Values, float32 (B,), of hidden states (B, D)."""
        return self.layers(asked.float())[:, 0]


def score(
    model: Any,
    prompts: Sequence[npt.NDArray[np.int64]],
    answers: Sequence[npt.NDArray[np.int64]],
    pixels: Tensor | None,
    temperature: float,
    forbidden: Sequence[int] = (),
) -> Scores:
    """Score answers as the model would give them now.

    Prompts are padded on the left and answers on the right, so that all answers begin at one place. Sums are made in
    float32 whatever the model computes in.

    Args:
        model: of ``AutoModelForImageTextToText``.
        prompts: token ids, int64 (P_i,) each, with the image tokens.
        answers: token ids, int64 (T_i,) each.
        pixels: what the processor made of the images, in the order of the prompts; None without.
        temperature: as when they were drawn, above 0.
        forbidden: token ids that are never drawn.

    Returns:
        log-probabilities, entropies and hidden states, with gradients.
    """
    ids, mask, begin = _batch(prompts, answers)
    ids, mask = ids.to(model.device), mask.to(model.device)
    inputs = {"pixel_values": pixels} if pixels is not None else {}
    read = getattr(model, READ, None) or partial(read_answers, model)
    hidden, logits = read(ids, mask, begin, inputs)
    logits = logits.float() / temperature
    logits[..., list(forbidden)] = FORBIDDEN
    every = torch.log_softmax(logits, -1)
    given = mask[:, begin:].bool()
    log_probs = every.gather(-1, ids[:, begin:, None])[..., 0].masked_fill(~given, 0.0)
    entropy = -(every.exp() * every).sum(-1).masked_fill(~given, 0.0)
    return Scores(log_probs, entropy, hidden[:, 0])


def read_answers(
    model: Any, ids: Tensor, mask: Tensor, begin: int, inputs: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Hidden states (B, T + 1, D) of the last token before the answers and of theirs, and logits (B, T, V) of these."""
    hidden = model.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp_min(0),
        use_cache=False,
        **inputs,
    ).last_hidden_state[:, begin - 1 :]
    return hidden, model.get_output_embeddings()(hidden[:, :-1])


def _batch(
    prompts: Sequence[npt.NDArray[np.int64]], answers: Sequence[npt.NDArray[np.int64]]
) -> tuple[Tensor, Tensor, int]:
    """Token ids and mask, int64 (B, P + T), and P. Padding has id 0, which no mask lets through."""
    before, after = max(map(len, prompts)), max(map(len, answers))
    ids = torch.zeros(len(prompts), before + after, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        both = np.concatenate([prompt, answer])
        place = slice(before - len(prompt), before + len(answer))
        ids[row, place], mask[row, place] = torch.from_numpy(both), 1
    return ids, mask, before
