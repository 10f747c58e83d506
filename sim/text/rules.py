"""What a text game is to the task around it, and that task: bounded text in, prompts out, an end that is kept."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from vlmrl_ros.core.text import TextObservation, TextStep, require_running
from vlmrl_ros.core.text_episode import END

LONGEST = 400
"""Characters of an utterance; a longer one is cut there before anything reads it, and names nothing."""
UNREADABLE = ""
"""What the rules get in place of an utterance that is too long."""


class Shared:
    """Never changes once made, so that copies share it."""

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        return self


@dataclass(frozen=True)
class Reply:
    """What an utterance led to."""

    text: str
    """What is said to it, with its line end. In a game without a memory, the whole next prompt."""
    reward: float
    action: str | None
    """As it was understood; None where it was not."""
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)


class TextRules(Protocol):
    """One game. Everything drawn comes from the generator of :meth:`reset`, so that a deep copy goes on alike."""

    system_prompt: str
    remembers: bool
    """Prompts grow by each utterance and its reply; else each reply is a prompt complete in itself."""

    @property
    def legal_actions(self) -> Sequence[str]:
        """What may be said now, without line ends; examples where anything may."""
        ...

    def reset(self, rng: np.random.Generator) -> str:
        """Begin; the first prompt."""
        ...

    def say(self, text: str) -> Reply:
        """Answer an utterance: one line, bare of white space at its ends."""
        ...

    @property
    def state(self) -> Hashable:
        """Equal for equal states, as far as the player knows them."""
        ...


Rules = TypeVar("Rules", bound=TextRules)


class RulesTask(Generic[Rules]):
    """A :class:`~vlmrl_ros.core.text_episode.ClonableTextTask`."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.system_prompt = rules.system_prompt
        self._text = ""
        self._over = True

    @property
    def legal_actions(self) -> Sequence[str]:
        """What may be said now; nothing when the episode has ended."""
        return () if self._over else self.rules.legal_actions

    def reset(self, seed: int) -> TextObservation:
        """Begin the episode of a seed, 0 or more."""
        self._text = self.rules.reset(np.random.default_rng(seed))
        self._over = False
        return TextObservation(self._text)

    def step(self, text: str) -> TextStep:
        """Carry out an utterance. Line breaks within it count as spaces, those at its end as nothing.

        Raises:
            RuntimeError: the episode has ended, or none has begun.
        """
        require_running(self._over)
        whole = text[: LONGEST + 1].encode("utf-8", "replace").decode("utf-8")
        said = " ".join(whole.split("\n")).strip()
        reply = self.rules.say(said if len(text) <= LONGEST else UNREADABLE)
        self._text = self._text + said[:LONGEST] + END + reply.text if self.rules.remembers else reply.text
        self._over = reply.terminated or reply.truncated
        info: dict[str, Any] = {
            "action": reply.action,
            "valid": reply.action is not None,
            "anchor": self.rules.state,
            **reply.info,
        }
        if self._over:
            info["success"] = reply.success
        return TextStep(TextObservation(self._text), reply.reward, reply.terminated, reply.truncated, info)

    def clone(self) -> RulesTask[Rules]:
        """A task that goes on from here with the same chances."""
        return copy.deepcopy(self)

    def close(self) -> None:
        """Nothing is held that does not go with the task."""
