"""Decodes with ``generate`` of transformers, for every model that has no faster way here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.cache_utils import DynamicLayer

from vlmrl_ros.policies.vlm.answers import Answers, Draw
from vlmrl_ros.policies.vlm.asked import TYPES
from vlmrl_ros.policies.vlm.fused import New
from vlmrl_ros.policies.vlm.prefixes import known, places, shared

ONE_WAY = ("llava", "idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Types of models whose tokens see nothing of what follows, so that equal beginnings are read equally. In others
(PaliGemma) a prompt sees itself whole, or nobody has tried."""


@dataclass(frozen=True)
class Prefix:
    """The beginning of a prompt, up to its first image, as it was read."""

    ids: tuple[int, ...] = ()
    kept: tuple[tuple[Tensor, Tensor], ...] = ()
    """Keys and values of each layer, (1, heads, tokens, width)."""


class GenericEngine:
    """Lets the model lead itself through its prompt; the draw and the end of an answer are ours.

    So is what a prompt has in common with the last one, which is not read again where the model is :data:`ONE_WAY`.
    The cache grows: one of fixed size, transformers' ``StaticCache``, is no faster where nothing is compiled.
    """

    def __init__(self, model: Any, image_token: int) -> None:
        """Take a model.

        Args:
            model: of ``AutoModelForImageTextToText``, with or without adapters.
            image_token: id of the token that stands in the place of each of an image's features.
        """
        self._model, self._image = model, image_token
        self._text = model.config.get_text_config(decoder=True)
        self._one_way = model.config.model_type in ONE_WAY
        self.take(None)

    def prepare(self, new: New) -> None:
        """Nothing is kept beside the model."""

    def take(self, prepared: None) -> None:
        """The weights have other values: what was read with the old ones is forgotten."""
        self._prefix = Prefix()
        self._watched = [(one, one._version) for one in self._model.parameters()]

    def answer(self, inputs: Any, answers: Answers, draw: Draw, most: int) -> None:
        """Decode until all answers have ended or have ``most`` tokens."""
        if any(one._version != version for one, version in self._watched):
            self.take(None)
        mask = inputs["attention_mask"].bool()
        rows = [row[keep].tolist() for row, keep in zip(inputs["input_ids"], mask, strict=True)]
        begun, cache = known(self._prefix.ids, rows), DynamicCache(config=self._text) if self._one_way else None
        if begun:
            for layer, kept in enumerate(self._prefix.kept):
                cache.update(*(part[:, :, :begun].expand(len(rows), -1, -1, -1) for part in kept), layer)
        self._model.generate(
            **_padded_behind(inputs, begun),
            past_key_values=cache,
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            logits_processor=LogitsProcessorList([_Drawn(answers, draw)]),
            stopping_criteria=StoppingCriteriaList([_Ended(answers)]),
        )
        if cache is not None:
            self._remember(rows, cache, begun, int((~mask[0]).sum()))

    def _remember(self, rows: list[list[int]], cache: DynamicCache, begun: int, padding: int) -> None:
        """Keep what the prompts share up to the first image, if it is more than was known or something else."""
        count = shared(rows, self._image)
        plain = all(type(layer) is DynamicLayer for layer in cache.layers)
        if count > begun and plain:
            place = places(count, begun, padding, self._model.device)
            kept = tuple((layer.keys[:1, :, place], layer.values[:1, :, place]) for layer in cache.layers)
            self._prefix = Prefix(tuple(rows[0][:count]), kept)


def _padded_behind(inputs: Any, begun: int) -> dict[str, Tensor]:
    """What a model takes of prompts that are padded on the left, with the padding behind their first tokens."""
    if not begun:
        return dict(inputs)
    mask = inputs["attention_mask"]
    padding, place = (mask == 0).sum(-1, keepdim=True), torch.arange(mask.shape[1], device=mask.device)
    source = torch.where(place < begun, place + padding, torch.where(place < begun + padding, place - begun, place))
    moved = [name for name in inputs if name in ("input_ids", "attention_mask") or name.endswith(TYPES)]
    return {**inputs, **{name: inputs[name].gather(1, source) for name in moved}}


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
