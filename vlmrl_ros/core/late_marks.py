"""Marks of the episode whose command came after its tick."""

from __future__ import annotations

from vlmrl_ros.core.types import Mark


class LateMarks:
    """Tells which of them still count: a mark is said in one command alone, and is of the episode that it was said in.

    A command that was used, or is of an episode that is over, says nothing any more.
    """

    def __init__(self) -> None:
        """Begin with every command open."""
        self._settled_ns = -1

    def settle(self, stamp_ns: int) -> None:
        """Commands up to this stamp, ns, were used, or are of an episode that is over."""
        self._settled_ns = stamp_ns

    def hear(self, stamp_ns: int, newest_ns: int, mark: Mark) -> Mark:
        """The mark of a command that came too late, once; :attr:`Mark.NONE` where it does not count.

        Args:
            stamp_ns: of the command, ns.
            newest_ns: newest stamp that a command may be late for, ns.
            mark: what it says.
        """
        if mark is Mark.NONE or not self._settled_ns < stamp_ns <= newest_ns:
            return Mark.NONE
        self._settled_ns = stamp_ns
        return mark
