"""What a policy that thinks has said, as ``policy/thought`` bears it, and which steps carry it out."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.text_action import TextAction

if TYPE_CHECKING:
    from vlmrl_ros.core.types import Step

LATIN_ENDS = "\u0250"
"""Beyond it there are signs, in what a model says that has not been taught, that no font has."""
MOST_CHARACTERS = 4 * 2**20
"""Longest thought that is read."""
KEPT = 256
"""Thoughts that are kept for the steps that will carry them out, and steps that wait for theirs."""


@dataclass(frozen=True)
class Utterance:
    """What was said to one observation, with all that is needed to score it again."""

    text: str
    prompt_ids: npt.NDArray[np.int64]
    """int64 (P,): the prompt as the model read it, without padding; empty where no model has said it."""
    token_ids: npt.NDArray[np.int64]
    """int64 (T,): the answer, the end token included where there is one; empty where no model has said it."""
    log_probs: npt.NDArray[np.float32]
    """float32 (T,): log-probability of each token at the temperature at which it was drawn."""
    ended: bool
    """It ended by itself, not because it grew too long."""


@dataclass(frozen=True)
class Spoken:
    """An utterance in the loop.

    Attributes:
        stamp_ns: of the observation that it answers, ns.
        version: of the weights that said it.
        prompt: what was asked, with :data:`~vlmrl_ros.core.text.IMAGE` for each picture.
        said: the answer as it was read.
        utterance: the answer.
    """

    stamp_ns: int
    version: int
    prompt: str
    said: TextAction
    utterance: Utterance


def told(asked: str, utterance: Utterance, said: TextAction, carried_out: str | None) -> dict[str, Any]:
    """What ``policy/thought`` says of an answer but for stamp and version; :func:`read_spoken` reads it.

    Args:
        asked: the prompt.
        utterance: the answer.
        said: the same as it was read.
        carried_out: the action; another one than the answer names where it names none.
    """
    return {
        "thought": utterance.text[slice(*said.thought)],
        "action": carried_out,
        "valid": said.valid,
        "ended": utterance.ended,
        "text": utterance.text,
        "prompt": asked,
        "prompt_sha256": hashlib.sha256(asked.encode()).hexdigest(),
        "prompt_ids": utterance.prompt_ids.tolist(),
        "token_ids": utterance.token_ids.tolist(),
        "log_probs": [round(float(one), 6) for one in utterance.log_probs],
    }


def legible(text: str, longest: int = 200) -> str:
    """A text for people, without the signs of JSON around it, nor such as no font has."""
    bare = text.strip().removeprefix('{"thoughts":').strip('{", ')
    return "".join(sign if sign.isprintable() and sign < LATIN_ENDS else "\N{MIDDLE DOT}" for sign in bare)[:longest]


def readable(utterance: Utterance, said: TextAction, longest: int = 200) -> tuple[str, str]:
    """Thought and action for people."""
    return legible(utterance.text[slice(*said.thought)], longest), said.action or "nothing that it can do"


def read_spoken(text: str) -> Spoken | None:
    """Read ``policy/thought``.

    Returns:
        what was said; None where the policy says of an observation that it could not think about it.

    Raises:
        RangeError: longer than any thought.
        ShapeError: not a thought of a policy that answers in words.
    """
    return read_json(text, "a thought of a model", MOST_CHARACTERS, _spoken)


def _spoken(plain: Mapping[str, Any]) -> Spoken | None:
    if "error" in plain:
        return None
    text, thought = _text(plain["text"]), _text(plain["thought"])
    if not text.startswith(thought):
        raise ValueError("the text does not begin with its thought")
    border = len(thought)
    tokens, log_probs = _ids(plain["token_ids"]), np.array(plain["log_probs"], np.float32)
    if log_probs.shape != tokens.shape or not np.isfinite(log_probs).all():
        raise ValueError(f"{log_probs.shape} log-probabilities of {tokens.shape} tokens")
    action = _text(plain["action"]) if plain["valid"] else None
    return Spoken(
        stamp_ns=int(plain["stamp_ns"]),
        version=int(plain["version"]),
        prompt=_text(plain["prompt"]),
        said=TextAction(action, (0, border), (border, len(text))),
        utterance=Utterance(text, _ids(plain["prompt_ids"]), tokens, log_probs, bool(plain["ended"])),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{json.dumps(value)[:40]} is no text")
    return value


def _ids(values: Any) -> npt.NDArray[np.int64]:
    found = np.array(values if values else [], np.float64)
    if found.ndim != 1 or not (found == np.floor(found)).all() or not ((found >= 0) & (found < 2**31)).all():
        raise ValueError("token ids are whole numbers from 0, in a list")
    return found.astype(np.int64)


class SpokenJoin:
    """Gives each step the utterance that it carries out.

    A step says which one; what was said is published before the first action that follows from it, but on a topic of
    its own, so that it may be heard after the step. Then the step waits, and those after it, until it is heard, or a
    later one is, for the topic keeps its order.
    """

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard: deque[Spoken] = deque(maxlen=KEPT)
        self._waiting: deque[tuple[Step, int]] = deque()
        self.lost = 0
        """Steps whose utterance never came: nobody learns from it."""

    def hear(self, spoken: Spoken | None) -> list[Step]:
        """Take what was said; returns the steps that waited for it."""
        if spoken is not None and (not self._heard or spoken.stamp_ns > self._heard[-1].stamp_ns):
            self._heard.append(spoken)
        return self._go_on()

    def put(self, step: Step, age_ns: int) -> list[Step]:
        """Take the next step; returns those that are complete now, in order.

        Args:
            step: without what was said.
            age_ns: age of the observation that was answered by what the step carries out, ns; below 0: nothing.
        """
        self._waiting.append((step, age_ns))
        return self._go_on()

    def give_up(self) -> list[Step]:
        """Let the steps go that wait; the first one without what was said, which will not come any more."""
        if not self._waiting:
            return []
        self.lost += 1
        return [self._waiting.popleft()[0], *self._go_on()]

    def reset(self) -> None:
        """Forget everything, for example when time jumped back."""
        self._heard.clear()
        self._waiting.clear()

    def _go_on(self) -> list[Step]:
        found = []
        while self._waiting:
            step, age_ns = self._waiting[0]
            stamp_ns = step.stamp_ns - age_ns
            if age_ns < 0:
                found.append(step)
            elif (spoken := self._at(stamp_ns)) is not None:
                found.append(replace(step, spoken=spoken))
            elif (self._heard and self._heard[-1].stamp_ns > stamp_ns) or len(self._waiting) > KEPT:
                self.lost += 1
                found.append(step)
            else:
                break
            self._waiting.popleft()
        return found

    def _at(self, stamp_ns: int) -> Spoken | None:
        return next((spoken for spoken in reversed(self._heard) if spoken.stamp_ns == stamp_ns), None)
