"""Episodes of text: the record that data generators give and learners read, and what a text task is as a plug-in.

A plug-in of the group ``vlmrl_ros.text_tasks`` is a module (or any object) with the members of :class:`TextGame`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

from vlmrl_ros.core.errors import ConfigError, NonFiniteError
from vlmrl_ros.core.text import TextTask

END = "\n"
"""Ends every action in a record: the last thing that a model has to write. Tasks take an action with or without it."""


@dataclass(frozen=True)
class TextTurn:
    """One prompt, what was answered, and what that was worth."""

    observation: str
    """The whole prompt, as :class:`~vlmrl_ros.core.text.TextObservation` has it. In a task with a memory it begins with
    the observation and the action of the turn before."""
    action: str
    """What was said, with :data:`END`."""
    reward: float
    """Of the action; lands on its last token (LMRL-Gym)."""
    token_ids: tuple[int, ...] = ()
    """Of the action as a model drew them: what is learned from, whatever other tokens its text could have; else empty.
    """


class Segment(NamedTuple):
    """A piece of an episode as a language model reads it."""

    text: str
    is_action: bool
    reward: float
    """0 unless it is an action."""


@dataclass(frozen=True)
class TextEpisode:
    """The turns of an episode in order."""

    turns: tuple[TextTurn, ...]
    terminated: bool
    """By the rules, so that nothing follows; else it was cut off, and what would have followed counts."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """``success``, ``policy`` (who acted), ``seed``, and what the task adds. Fit for JSON."""
    final: str = ""
    """The observation after the last action: what a value is bootstrapped from where the episode was cut off."""

    @property
    def undiscounted_return(self) -> float:
        """Sum of the rewards."""
        return math.fsum(turn.reward for turn in self.turns)

    @property
    def grows(self) -> bool:
        """Each prompt begins with the one before and its answer, so that the episode is one text."""
        return all(then.observation.startswith(now.observation + now.action) for now, then in pairwise(self.turns))

    def segments(self) -> tuple[Segment, ...]:
        """The episode as one text, cut where speakers change; prompts without a memory simply follow one another."""
        grows, said, pieces = self.grows, 0, []
        for turn in self.turns:
            pieces.append(Segment(turn.observation[said:], False, 0.0))
            pieces.append(Segment(turn.action, True, turn.reward))
            said = len(turn.observation) + len(turn.action) if grows else 0
        return tuple(pieces)


@dataclass(frozen=True)
class Normalisation:
    """Scores that are 0 at the least return, 50 at the average of the data, 100 at the best (LMRL-Gym)."""

    lowest: float
    average: float
    highest: float

    def __post_init__(self) -> None:
        if not self.lowest < self.average < self.highest:
            raise ConfigError(
                f"returns to normalise by are {self.lowest:g}, {self.average:g}, {self.highest:g}; valid: rising"
            )

    def score(self, undiscounted_return: float) -> float:
        """The score of a return, or of a mean of returns.

        Raises:
            NonFiniteError: the return is not finite.
        """
        if not math.isfinite(undiscounted_return):
            raise NonFiniteError(f"return to normalise is {undiscounted_return}; valid: any finite number")
        if undiscounted_return < self.average:
            return 50.0 * (undiscounted_return - self.lowest) / (self.average - self.lowest)
        return 50.0 + 50.0 * (undiscounted_return - self.average) / (self.highest - self.average)


Task = TypeVar("Task", bound="ClonableTextTask")


class ClonableTextTask(TextTask, Protocol):
    """A text task whose state can be copied, in the middle of an episode too."""

    def clone(self: Task) -> Task:
        """A task that goes on from here with the same chances, and leaves this one alone."""
        ...


class TextGame(Protocol):
    """What is registered as a text task."""

    def build(self, options: Mapping[str, Any]) -> ClonableTextTask:
        """The task.

        Args:
            options: deviations from the defaults of its configuration.

        Raises:
            UnknownNameError, ConfigError: an option that does not exist, or a value that is not valid.
            PluginError: a package or a program that the task stands on is missing; the message says how to get it.
        """
        ...

    def episodes(self, options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
        """Episodes of the behaviour policies in the mixture of the data set, without end; equal seeds give equal ones.

        Args:
            options: as for :meth:`build`, and may tell the mixture.
            seed: of everything that is drawn.
        """
        ...

    def normalisation(self, options: Mapping[str, Any]) -> Normalisation:
        """The least return, the average of :meth:`episodes` as measured, and the best that can be had."""
        ...
