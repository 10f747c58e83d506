"""Latched messages among the steps: each bag begins with them, and a new one within an episode stands where it came."""

from __future__ import annotations

from vlmrl_ros.core.mcap import Message
from vlmrl_ros.core.types import Feedback


class Heads:
    """The newest message of each latched topic, and what has changed since the last step that was recorded."""

    def __init__(self) -> None:
        """Begin with none."""
        self._newest: dict[str, bytes] = {}
        self._changed: list[Message] = []
        self.began = False
        """A step has been recorded."""

    def put(self, full_name: str, raw: bytes) -> None:
        """Take a message.

        Args:
            full_name: of its topic.
            raw: its bytes; those that are known already are no news.
        """
        known = self._newest.get(full_name)
        if known != raw and (known is not None or self.began):
            self._changed.append(Message(full_name, 0, raw))
        self._newest[full_name] = raw

    def take(self, stamp_ns: int, feedback: Feedback) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """Hand out what belongs to the step that is recorded now.

        Args:
            stamp_ns: its stamp, ns, which all bear.
            feedback: of the step.

        Returns:
            with what a bag that begins here would begin, and what changed within the episode; what came with its end is
            of the next one.
        """
        self.began = True
        heads = tuple(Message(full_name, stamp_ns, raw) for full_name, raw in self._newest.items())
        if feedback.last:
            return heads, ()
        changed, self._changed = self._changed, []
        return heads, tuple(message._replace(time_ns=stamp_ns) for message in changed) if feedback.step else ()
