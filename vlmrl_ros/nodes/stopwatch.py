"""How long something in a run has lasted, its earlier parts included."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts seconds from when it is started, on the steady clock."""

    def __init__(self) -> None:
        """Stand at 0."""
        self._before_s = 0.0
        self._since_s: float | None = None

    def resume(self, seconds: float) -> None:
        """Count on from where an earlier part of the run ended, s."""
        self._before_s = seconds

    def start(self) -> None:
        """Count from now on, if it does not already."""
        if self._since_s is None:
            self._since_s = time.monotonic()

    @property
    def seconds(self) -> float:
        """What it shows, s."""
        return self._before_s + (time.monotonic() - self._since_s if self._since_s is not None else 0.0)
