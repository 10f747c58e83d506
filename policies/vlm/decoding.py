"""Answers from a vision-language model: the prompt once, then token after token, up to the end of the action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.errors import RangeError, ShapeError
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.answers import Answers, Draw, Source, closing_tokens
from vlmrl_ros.policies.vlm.asking import processed
from vlmrl_ros.policies.vlm.fused import can_fuse
from vlmrl_ros.policies.vlm.fused_engine import FusedEngine
from vlmrl_ros.policies.vlm.generic_engine import GenericEngine
from vlmrl_ros.policies.vlm.scoring import never_said


class Decoder:
    """Decodes for several observations at once; the same tokens as ``generate`` of transformers.

    Works with each model of ``AutoModelForImageTextToText``; those whose decoder is a Llama (LLaVA, Idefics3, SmolVLM)
    go through :class:`~vlmrl_ros.policies.vlm.fused_engine.FusedEngine`.
    """

    def __init__(self, model: Any, processor: Any, max_new_tokens: int) -> None:
        """Take a model.

        Args:
            model: in evaluation mode; may have adapters of peft.
            processor: of the model; pads on the left.
            max_new_tokens: longest answer.
        """
        own = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._model, self._processor = own, processor
        self._most = max_new_tokens
        self._context = int(own.config.get_text_config().max_position_embeddings)
        self._forbidden = never_said(processor)
        self._closing = closing_tokens(processor.tokenizer)
        self._engine = _engine(own, processor)

    def prepare(self, new: Mapping[int, torch.Tensor]) -> Any:
        """Make ready for new values of parameters, by the id of the parameter, in any thread."""
        return self._engine.prepare(new)

    def take(self, prepared: Any) -> None:
        """Decode with what :meth:`prepare` returned, now that the parameters have those values."""
        self._engine.take(prepared)

    def inputs(self, observations: Sequence[TextObservation]) -> Any:
        """What the model takes of observations: token ids, mask and images.

        Raises:
            RangeError: a prompt that leaves no room for an answer.
            ShapeError: an image that is none.
        """
        for one in observations:
            for image in one.images:
                _check(image)
        made = processed(self._processor, observations)
        length = made["input_ids"].shape[1]
        if length + self._most > self._context:
            raise RangeError(
                f"a prompt has {length} tokens and an answer up to {self._most}; together at most {self._context}"
            )
        return made.to(self._model.device, self._model.dtype)

    @torch.no_grad()
    def decode(
        self, observations: Sequence[TextObservation], temperature: float, generator: Source = None
    ) -> list[Utterance]:
        """Answer observations.

        Args:
            observations: one or more.
            temperature: of the draw; 0 takes the likeliest token, whose log-probability is given at temperature 1.
            generator: of the draw: one for all, or one of numpy for each; torch's own stream by default.

        Returns:
            an answer each.

        Raises:
            RangeError: a prompt that is too long.
            ShapeError: an image that is none.
        """
        inputs = self.inputs(observations)
        draw = Draw(self._forbidden, temperature, generator)
        answers = Answers(self._processor.tokenizer, self._closing, len(observations))
        self._engine.answer(inputs, answers, draw, self._most)
        ids, mask = inputs["input_ids"].cpu().numpy(), inputs["attention_mask"].cpu().numpy().astype(bool)
        return answers.utterances([row[keep].astype(np.int64) for row, keep in zip(ids, mask, strict=True)])


def _engine(model: Any, processor: Any) -> FusedEngine | GenericEngine:
    language = getattr(model.model, "language_model", None) or getattr(model.model, "text_model", None)
    fuses = language is not None and can_fuse(language, model.get_output_embeddings())
    kind = FusedEngine if fuses else GenericEngine
    return kind(model, processor.tokenizer.convert_tokens_to_ids(processor.image_token))


def _check(image: Any) -> None:
    """See that an image is one.

    Raises:
        ShapeError: another type, shape or encoding.
    """
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ShapeError(f"an image is {array.dtype} {array.shape}; expected uint8 (H, W, 3), RGB")
