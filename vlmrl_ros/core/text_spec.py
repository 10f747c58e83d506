"""What learners of text are told of their task before they have seen any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_episode import TextEpisode


@dataclass(frozen=True)
class TextSpec:
    """A task whose actions are text.

    Attributes:
        task: its name.
        sample: texts that have every character that may come, and the words that are worth a token; not empty.
    """

    task: str
    sample: tuple[str, ...]

    def __post_init__(self) -> None:
        if not any(self.sample):
            raise ConfigError(f"no text of the task '{self.task}' is given, so that its tokens are not known")

    @classmethod
    def of(cls, task: str, episodes: Sequence[TextEpisode]) -> TextSpec:
        """What episodes show; each text once, in alphabetical order."""
        texts = {segment.text for episode in episodes for segment in episode.segments()}
        texts |= {episode.final for episode in episodes if not episode.grows}
        return cls(task, tuple(sorted(texts)))
