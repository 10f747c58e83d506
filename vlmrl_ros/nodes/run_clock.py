"""How long a run has lasted, its earlier parts included."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class RunClock:
    """Starts when it is made. Learning begins with the first step."""

    def __init__(self) -> None:
        """Start a run's first part."""
        self._started_s = time.monotonic()
        self._learning_since_s: float | None = None
        self._wall_s = self._learning_s = 0.0

    def resume(self, times: Mapping[str, Any]) -> None:
        """Count on from the :attr:`times` of an earlier part.

        Raises:
            KeyError: they are not there.
            TypeError: they are no numbers.
            ValueError: they cannot be read as numbers.
        """
        self._wall_s, self._learning_s = float(times["wall_s"]), float(times["learning_s"])

    def learn(self) -> None:
        """The run learns from now on, if it did not already."""
        self._learning_since_s = self._learning_since_s or time.monotonic()

    @property
    def times(self) -> dict[str, float]:
        """``wall_s`` since the run began, ``learning_s`` since its first step, s."""
        now_s = time.monotonic()
        learning_s = now_s - self._learning_since_s if self._learning_since_s is not None else 0.0
        return {"wall_s": self._wall_s + now_s - self._started_s, "learning_s": self._learning_s + learning_s}
