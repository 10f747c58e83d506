"""From what a model has written to the action that it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlmrl_ros.core.errors import ConfigError

KEY = re.compile(r'"action"\s*:', re.IGNORECASE)
Span = tuple[int, int]
"""Begin and end in characters, the end not included."""


@dataclass(frozen=True)
class TextAction:
    """A text as it was read; the spans of thought and action lie side by side and are all of it."""

    action: str | None
    """The legal action that it names; None where it names none, or several."""
    thought: Span
    """What comes before the last key ``"action":``; all of a text without the key."""
    named: Span
    """The key and what follows; empty without it."""

    @property
    def valid(self) -> bool:
        """It names one legal action."""
        return self.action is not None


def read_said(text: str, legal_actions: Sequence[str]) -> TextAction:
    """What a text says in a task: the action that it names, or itself where the task does not list what may be said."""
    return read_action(text, legal_actions) if legal_actions else TextAction(text or None, (0, 0), (0, len(text)))


def read_action(text: str, legal_actions: Sequence[str]) -> TextAction:
    """Find the action in a text that should be JSON and need not be.

    What follows the last key ``"action":`` is searched for the legal actions, upper and lower case alike; of those
    that overlap the longest counts, so that "10" is no "1". The RL4VLM paper's parser, by characters instead of tokens.

    Args:
        text: as the model wrote it.
        legal_actions: words or signs.

    Returns:
        the action and the spans.

    Raises:
        ConfigError: no legal actions, or an empty one.
    """
    if not legal_actions or not all(legal_actions):
        raise ConfigError(f"legal actions are words or signs, at least one; got {tuple(legal_actions)}")
    keys = list(KEY.finditer(text))
    begin = keys[-1].start() if keys else len(text)
    tail = text[keys[-1].end() :] if keys else ""
    longest_first = sorted(legal_actions, key=len, reverse=True)
    found = {match.casefold() for match in re.findall("|".join(map(re.escape, longest_first)), tail, re.IGNORECASE)}
    meant = [action for action in legal_actions if action.casefold() in found]
    return TextAction(meant[0] if len(meant) == 1 else None, (0, begin), (begin, len(text)))
