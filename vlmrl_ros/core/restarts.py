"""How often, and how soon, a process that died is started again. Pure: whoever supervises brings the clock."""

from __future__ import annotations

from collections import deque

LIMIT = 30
"""Restarts within :data:`WINDOW_S`; the death after them is the last."""
WINDOW_S = 3600.0
STEADY_S = 10.0
"""A process that lived for so long was sound: the next one is started at once."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 8.0


class Restarts:
    """The restarts of one process.

    The first one comes at once. A process that dies soon after it was started waits before the next start, twice as
    long each time, so that one that cannot live does not keep the machine from those that can; and it has only so many
    lives.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with a process that has just been started.

        Args:
            limit: restarts within :data:`WINDOW_S`.
        """
        self._limit = limit
        self._starts_s: deque[float] = deque()
        self._short_lives = 0

    @property
    def limit(self) -> int:
        """Restarts within :data:`WINDOW_S`."""
        return self._limit

    def next_delay_s(self, died_s: float) -> float | None:
        """How long to wait before the next start.

        Args:
            died_s: when the process died, s on a steady clock; never earlier than at the last call.

        Returns:
            the delay in s, or None when the restarts are used up.
        """
        while self._starts_s and died_s - self._starts_s[0] > WINDOW_S:
            self._starts_s.popleft()
        if len(self._starts_s) >= self._limit:
            return None
        short = bool(self._starts_s) and died_s - self._starts_s[-1] < STEADY_S
        self._short_lives = self._short_lives + 1 if short else 0
        delay_s = min(FIRST_DELAY_S * 2.0 ** (self._short_lives - 1), LONGEST_DELAY_S) if self._short_lives else 0.0
        self._starts_s.append(died_s + delay_s)
        return delay_s
