"""How a prompt is put to a model: in the form that it was trained on, with its own mark for an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from transformers import PaliGemmaProcessor

from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.text import IMAGE, TextObservation

VISION = ("<|vision_start|>", "<|vision_end|>")
"""Around the mark of an image, in models that know them (Qwen-VL)."""


def marks(processor: Any) -> frozenset[str]:
    """What a processor takes for something else than text, wherever it stands: an image, the end of what is said."""
    added = processor.tokenizer.added_tokens_decoder.values()
    return frozenset({IMAGE, processor.image_token, *(token.content for token in added if token.special)})


def as_asked(processor: Any, text: str) -> str:
    """A prompt with :data:`~vlmrl_ros.core.text.IMAGE` where images belong, as a processor takes it.

    Where the processor has a chat template, the prompt is what the user says in it.
    """
    if getattr(processor, "chat_template", None):
        content: list[dict[str, str]] = []
        for index, part in enumerate(text.split(IMAGE)):
            content += [{"type": "image"}] if index else []
            content += [{"type": "text", "text": part}] if part else []
        said = [{"role": "user", "content": content}]
        return str(processor.apply_chat_template(said, add_generation_prompt=True))
    known = processor.tokenizer.get_added_vocab()
    before, after = VISION if all(mark in known for mark in VISION) else ("", "")
    return text.replace(IMAGE, f"{before}{processor.image_token}{after}")


def processed(processor: Any, observations: Sequence[TextObservation]) -> Any:
    """What a processor makes of observations, by name, as tensors; prompts are padded on the left.

    Raises:
        ShapeError: an observation without an image, for a model that was never taught to read text alone (PaliGemma).
    """
    images = [list(one.images) for one in observations]
    if isinstance(processor, PaliGemmaProcessor) and not all(images):
        raise ShapeError("an observation has no image, and PaliGemma reads no text without one; valid: 1 or more")
    return processor(
        text=[as_asked(processor, one.text) for one in observations],
        images=images if any(images) else None,
        return_tensors="pt",
        padding=True,
    )


def pixels(observations: Sequence[TextObservation], processor: Any) -> Tensor:
    """All images of observations, one after the other, as the tower of a LLaVA takes them, float32 (N, C, H, W)."""
    images = [image for one in observations for image in one.images]
    return processor.image_processor(images, return_tensors="pt")["pixel_values"]
