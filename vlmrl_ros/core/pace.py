"""How well a periodic tick keeps its time."""

from __future__ import annotations

from collections import deque

import numpy as np


class Pace:
    """Measures the jitter of ticks against an ideal clock, and counts those that were missed."""

    def __init__(self, period_s: float, window: int = 3000) -> None:
        """Begin at the first tick.

        Args:
            period_s: ideal time between ticks, s.
            window: ticks over which the jitter is judged.
        """
        self._period_s = period_s
        self._errors_s: deque[float] = deque(maxlen=window)
        self._last_s: float | None = None
        self.missed = 0
        """Ticks that did not come at all since the start."""

    def tick(self, now_s: float) -> None:
        """One tick came at ``now_s`` on a steady clock."""
        if self._last_s is not None:
            elapsed_s = now_s - self._last_s
            self._errors_s.append(abs(elapsed_s - self._period_s))
            self.missed += max(0, round(elapsed_s / self._period_s) - 1)
        self._last_s = now_s

    def jitter_p99_s(self) -> float:
        """99th percentile of the deviation from the period, s; 0 before the second tick."""
        return float(np.percentile(self._errors_s, 99)) if self._errors_s else 0.0
