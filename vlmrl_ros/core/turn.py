"""One utterance and what came of it: what learners of vision-language models learn from."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import TextAction


@dataclass(frozen=True)
class Turn:
    """One utterance and what came of it."""

    observation: TextObservation
    utterance: Utterance
    said: TextAction
    reward: float
    terminated: bool
    truncated: bool
    after: TextObservation
    """What was seen next, also after the last turn of an episode."""
    anchor: Hashable = None
    """Equal for turns that began in equal states; None where nobody says so."""
    arm: int = 0
    """Of which environment; its turns come in order."""
    version: int = 0
    """Of the weights that said it."""
    taken_over: bool = False
    """A person answered it by taking over; whether that is punished says the reward."""
    success: bool = False
    """The task counted as done when it ended."""

    @property
    def last(self) -> bool:
        """The episode ended with it, or nobody knows what came next."""
        return self.terminated or self.truncated
