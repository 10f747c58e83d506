"""Tasks whose actions are text: the protocol, and what passes through it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

IMAGE = "<image>"
"""Stands in a text where an image belongs, once for each."""


@dataclass(frozen=True)
class TextObservation:
    """What a model is asked: one prompt, complete in itself, and its images."""

    text: str
    """With :data:`IMAGE` for each image."""
    images: tuple[npt.NDArray[np.uint8], ...] = ()
    """uint8 (H, W, 3) each, RGB."""

    @property
    def key(self) -> bytes:
        """Equal for observations that are equal to the last pixel."""
        digest = hashlib.sha256(self.text.encode())
        for image in self.images:
            digest.update(image.tobytes())
        return digest.digest()


@dataclass(frozen=True)
class Answer:
    """What was said to a prompt."""

    text: str
    token_ids: tuple[int, ...] = ()
    """The tokens as they were drawn, which are not always those of the text: a model may spell a word that has a token
    of its own. Empty where no model has said it."""

    def within(self, most: int) -> Answer:
        """Its first ``most`` characters; what is cut off takes the tokens with it."""
        return self if len(self.text) <= most else Answer(self.text[:most])


@dataclass(frozen=True)
class TextStep:
    """What an utterance led to."""

    observation: TextObservation
    reward: float
    terminated: bool
    truncated: bool
    info: Mapping[str, Any] = field(default_factory=dict)
    """``action`` (the one carried out, None for none), ``valid`` (the text named it), ``anchor`` (hashable, equal for
    equal states), and at the end ``success``."""

    @property
    def last(self) -> bool:
        """The episode has ended, in either way."""
        return self.terminated or self.truncated


@dataclass(frozen=True)
class TextTaskSpec:
    """What learners of turns are told of their task; the turns carry all else.

    Attributes:
        task: its name.
        legal_actions: words or signs of all actions; empty where anything may be said, or not the same at each step.
        texts: prompts and answers like those to come, for the vocabulary of a model that is built on the spot; may be
            empty for others.
    """

    task: str
    legal_actions: tuple[str, ...]
    texts: tuple[str, ...] = ()


class TextTask(Protocol):
    """A task that a model does by what it says. Whoever has these members needs no other class and no registration."""

    system_prompt: str
    """The role and the rules, the same at each step."""

    @property
    def legal_actions(self) -> Sequence[str]:
        """The words of the actions that may be named now."""
        ...

    def reset(self, seed: int) -> TextObservation:
        """Begin an episode; equal seeds begin equal ones and draw equal chances."""
        ...

    def step(self, text: str) -> TextStep:
        """Carry out what an utterance says."""
        ...

    def close(self) -> None:
        """Free what is held."""
        ...


class TaughtTask(TextTask, Protocol):
    """A text task with somebody who knows how it is done."""

    def demonstrate(self) -> str:
        """What they would say now: a whole answer, with thoughts where the prompt asks for them; may err."""
        ...


class TextPolicy(Protocol):
    """Speaks. Entry point: ``build(options: Mapping[str, Any]) -> TextPolicy`` (group ``vlmrl_ros.text_policies``)."""

    options: Mapping[str, Any]
    """Every option in force, by name."""

    def load(self, variables: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take new weights.

        Raises:
            CheckpointError: they do not fit together; the old ones stay in force.
        """
        ...

    def answer(self, prompts: Sequence[str], rng: np.random.Generator) -> list[Answer]:
        """One answer to each prompt.

        Raises:
            RangeError: a prompt that cannot be read.
        """
        ...


def require_running(over: bool) -> None:
    """Refuse a step of a task whose episode has ended, or in which none has begun.

    Raises:
        RuntimeError: it has.
    """
    if over:
        raise RuntimeError("the episode has ended: reset before the next step")
