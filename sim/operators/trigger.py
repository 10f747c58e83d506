"""When a person loses patience: a window over the cost of what the policy has done."""

from __future__ import annotations

import math
from collections import deque


class StallWindow:
    """Notices that the last few steps brought no progress over everything before them."""

    def __init__(self, patience_steps: int, progress: float) -> None:
        """Start empty.

        Args:
            patience_steps: number of latest costs in which progress is expected.
            progress: by how much the best of them must be lower than the best before.
        """
        self._recent: deque[float] = deque(maxlen=patience_steps)
        self._progress = progress
        self.clear()

    def clear(self) -> None:
        """Forget everything; patience begins anew."""
        self._recent.clear()
        self._best_before = math.inf

    def add(self, cost: float) -> None:
        """Note the cost of one step."""
        if len(self._recent) == self._recent.maxlen:
            self._best_before = min(self._best_before, self._recent[0])
        self._recent.append(cost)

    @property
    def stalled(self) -> bool:
        """The window is full, and its best cost is no real progress over the best before it."""
        return math.isfinite(self._best_before) and min(self._recent) > self._best_before - self._progress
