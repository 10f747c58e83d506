"""What a recorder finds when it starts: bags that were never closed, and the step to go on after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlmrl_ros.bridge.bags.layout import episodes, is_closed, number_of
from vlmrl_ros.bridge.bags.reader import read_spec, step_parts
from vlmrl_ros.bridge.bags.writer import repair
from vlmrl_ros.bridge.step_topics import step_topics
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.types import Feedback


@dataclass(frozen=True)
class Tail:
    """The newest whole step of a directory of bags.

    Attributes:
        number: of the folder that it is in.
        stamp_ns: its key.
        feedback: its place in its episode.
    """

    number: int
    stamp_ns: int
    feedback: Feedback

    def goes_on_with(self, feedback: Feedback) -> bool:
        """Whether a later step belongs to the same episode of the same bridge."""
        mine = self.feedback
        return feedback.episode == mine.episode and not mine.last and feedback.step > mine.step


def repair_all(directory: Path, say: Callable[[str], None]) -> None:
    """Close every bag that its writer left open; a file that is no bag is left alone.

    Args:
        directory: of episodes.
        say: told of each one.

    Raises:
        OSError: the disk is full, or the directory cannot be written.
    """
    for folder in episodes(directory):
        if is_closed(folder):
            continue
        try:
            repair(folder)
        except BagError as error:
            say(f"{error}; it stays as it is")
        else:
            say(f"closed '{folder}', which its recorder had left open")


def find_tail(directory: Path) -> Tail | None:
    """The newest step of a directory of episodes; None where there is none."""
    for folder in reversed(episodes(directory)):
        try:
            tail = _tail_of(folder)
        except BagError:
            continue  # said when it was to be repaired
        if tail is not None:
            return tail
    return None


def _tail_of(folder: Path) -> Tail | None:
    """A step is whole with its last part, ``executed``."""
    feedback, tail = None, None
    for part in step_parts(folder, step_topics(read_spec(folder))):
        if part.topic.part == "feedback":
            feedback = part.topic.read(part.decode())
        elif part.topic.part == "executed" and feedback is not None:
            tail = Tail(number_of(folder), part.message.time_ns, feedback)
    return tail
