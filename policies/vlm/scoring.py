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

from vlmrl_ros.policies.vlm.asked import Asked, side_by_side


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
OWN_PLACES = "get_rope_index"
"""What the inner model has where it finds by itself at which places its tokens are, in pictures too (Qwen-VL)."""
BOUND = "final_logit_softcapping"
"""What the configuration of a language model has where its logits are bounded after the head (Gemma 2)."""
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
    asked: Sequence[Asked],
    answers: Sequence[npt.NDArray[np.int64]],
    temperature: float,
    forbidden: Sequence[int] = (),
) -> Scores:
    """Score answers as the model would give them now; sums are made in float32 whatever it computes in.

    Args:
        model: of ``AutoModelForImageTextToText``.
        asked: the prompts with their images.
        answers: token ids, int64 (T_i,) each.
        temperature: as when they were drawn, above 0.
        forbidden: token ids that are never drawn.

    Returns:
        log-probabilities, entropies and hidden states, with gradients.
    """
    inputs = side_by_side(asked, answers, model.config.model_type).to(model.device, model.dtype)
    begin = max(len(one.ids) for one in asked)
    read = getattr(model, READ, None) or partial(read_answers, model)
    hidden, logits = read(inputs, begin)
    logits = logits.float() / temperature
    logits[..., list(forbidden)] = FORBIDDEN
    every = torch.log_softmax(logits, -1)
    given = inputs["attention_mask"][:, begin:].bool()
    log_probs = every.gather(-1, inputs["input_ids"][:, begin:, None])[..., 0].masked_fill(~given, 0.0)
    entropy = -(every.exp() * every).sum(-1).masked_fill(~given, 0.0)
    return Scores(log_probs, entropy, hidden[:, 0])


def read_answers(model: Any, inputs: Mapping[str, Tensor], begin: int) -> tuple[Tensor, Tensor]:
    """Hidden states (B, T + 1, D) of the last token before the answers and of theirs, and logits (B, T, V) of these."""
    places = {} if hasattr(model.model, OWN_PLACES) else {"position_ids": _places(inputs["attention_mask"])}
    hidden = model.model(**inputs, **places, use_cache=False).last_hidden_state[:, begin - 1 :]
    logits = model.get_output_embeddings()(hidden[:, :-1])
    bound = getattr(model.config.get_text_config(), BOUND, None)
    return hidden, logits if bound is None else bound * torch.tanh(logits / bound)


def _places(mask: Tensor) -> Tensor:
    """Of each token that a mask lets through, among these, from 0; int64 (B, P + T)."""
    return (mask.cumsum(-1) - 1).clamp_min(0)
