"""How long nobody has said anything, by the time in which one could have listened."""

from __future__ import annotations

TICK_S = 0.25
"""Time between two ticks, s."""


class Quiet:
    """Counts ticks of a timer of the process that listens, instead of reading a clock.

    Where that process stands still, or waits for a core, messages pile up before it while a clock goes on; when it is
    woken, its timer may come before they do. A timer does not catch up on ticks that were missed, so such a pause
    counts as one tick.
    """

    def __init__(self) -> None:
        """Begin now."""
        self._ticks = 0

    def hear(self) -> None:
        """Something was said."""
        self._ticks = 0

    def tick(self) -> float:
        """Another :data:`TICK_S` has passed; returns for how long nothing was said, s."""
        self._ticks += 1
        return (self._ticks - 1) * TICK_S
