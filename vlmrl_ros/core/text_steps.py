"""Steps of text: the parts that bear one stamp, and episodes from them. Live topics and bags go through the same code.

Several games may be played at once; their steps come in turn, each with the number of its own episode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import Answer
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.types import Feedback

SPOKEN_PARTS = ("text", "feedback", "said")
"""Parts of a step of text; the last one is sent when the others have been."""
STEP_NS = 1_000_000_000
"""Simulated time from one tick of a text task to the next, ns; within it the games follow each other by one."""
MOST_OPEN = 256
"""Episodes that may be under way; one beyond them was left behind by a process that has died."""


@dataclass(frozen=True)
class SpokenStep:
    """All parts of one step of text.

    Attributes:
        stamp_ns: stamp of the observation, ns; no two steps have the same.
        text: the whole prompt.
        feedback: outcome of arriving here.
        said: what was carried out from here on; empty at the last step of an episode.
    """

    stamp_ns: int
    text: str
    feedback: Feedback
    said: Answer


def spoken(stamp_ns: int, parts: Mapping[str, Any]) -> SpokenStep:
    """The step of joined parts, named as in :data:`SPOKEN_PARTS`."""
    return SpokenStep(stamp_ns, parts["text"], parts["feedback"], parts["said"])


def episode_of(steps: Sequence[SpokenStep], info: Mapping[str, Any]) -> TextEpisode | None:
    """The episode of its steps, in order; None where one is missing, at the end or between."""
    if len(steps) < 2 or steps[0].feedback.step or not steps[-1].feedback.last:
        return None
    if any(after.feedback.step != before.feedback.step + 1 for before, after in pairwise(steps)):
        return None
    turns = tuple(
        TextTurn(before.text, before.said.text, after.feedback.reward, before.said.token_ids)
        for before, after in pairwise(steps)
    )
    return TextEpisode(turns, steps[-1].feedback.terminated, info, steps[-1].text)


def steps_of(episode: TextEpisode, number: int, first_ns: int) -> Iterator[SpokenStep]:
    """The steps that :func:`episode_of` makes the episode of again, :data:`STEP_NS` apart.

    Args:
        episode: with a turn at least.
        number: of the episode.
        first_ns: stamp of its first step.

    Raises:
        ConfigError: an episode without turns.
    """
    if not episode.turns:
        raise ConfigError(f"episode {number} of text has no turns; valid: one or more")
    last = len(episode.turns)
    texts = (*(turn.observation for turn in episode.turns), episode.final)
    rewards = (0.0, *(turn.reward for turn in episode.turns))
    said = (*(Answer(turn.action, turn.token_ids) for turn in episode.turns), Answer(""))
    for step, (text, reward, action) in enumerate(zip(texts, rewards, said, strict=True)):
        over = step == last
        success = over and bool(episode.info.get("success", False))
        ends = (over and episode.terminated, over and not episode.terminated)
        yield SpokenStep(first_ns + step * STEP_NS, text, Feedback(reward, *ends, success, number, step), action)


class SpokenChains:
    """Collects the steps of episodes that are under way, each for itself; one that lacks a step is left out."""

    def __init__(self) -> None:
        """Begin with no step seen."""
        self._open: dict[int, list[SpokenStep]] = {}
        self.newest = -1
        """Greatest number of an episode of which a step was seen."""
        self.broken = 0
        """Episodes of which a step was missing, or all of them."""

    @property
    def open(self) -> int:
        """Episodes under way."""
        return len(self._open)

    def append(self, step: SpokenStep) -> tuple[SpokenStep, ...] | None:
        """Add the next step; returns those of its episode when it is the last one and none is missing."""
        number, place = step.feedback.episode, step.feedback.step
        if number > self.newest:
            self.broken += number - self.newest - 1
            self.newest = number
            self._open[number] = []
            self._leave_behind()
        if number not in self._open:
            return None  # its break was counted
        steps = self._open[number]
        if place != len(steps):
            del self._open[number]
            self.broken += 1
            return None
        steps.append(step)
        return tuple(self._open.pop(number)) if step.feedback.last else None

    def reset(self) -> None:
        """Leave behind what is under way: whoever played it has started again."""
        self.broken += len(self._open)
        self._open.clear()

    def _leave_behind(self) -> None:
        while len(self._open) > MOST_OPEN:
            del self._open[min(self._open)]
            self.broken += 1
