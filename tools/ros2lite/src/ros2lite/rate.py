"""Rate of messages over a window."""

from __future__ import annotations

import statistics
from collections import deque


class RateMeter:
    """Takes the times of messages and reports mean rate, extremes and spread of the intervals."""

    def __init__(self, window: int) -> None:
        """Keep the last `window` intervals."""
        self._intervals_s: deque[float] = deque(maxlen=window)
        self._last_ns: int | None = None
        self._fresh = False

    def tick(self, now_ns: int) -> None:
        """A message arrived at this time of the steady clock."""
        if self._last_ns is not None:
            self._intervals_s.append((now_ns - self._last_ns) * 1e-9)
            self._fresh = True
        self._last_ns = now_ns

    def report(self) -> str | None:
        """Two lines of text; None if nothing came since the last report."""
        if not self._fresh:
            return None
        self._fresh = False
        times = self._intervals_s
        mean, spread = statistics.fmean(times), statistics.pstdev(times)
        return (
            f"average rate: {1.0 / mean if mean > 0.0 else 0.0:.3f}\n"
            f"\tmin: {min(times):.3f}s max: {max(times):.3f}s std dev: {spread:.5f}s window: {len(times)}"
        )
