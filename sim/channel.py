"""A wire that is late, unsteady and loses things, as between a robot and the computer that drives it."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Channel(Generic[T]):
    """Carries messages in order, each late by its own delay; what is lost is counted."""

    def __init__(self, latency_s: float, jitter_s: float, drop_rate: float, rng: np.random.Generator) -> None:
        """An empty wire.

        Args:
            latency_s: mean delay, s.
            jitter_s: standard deviation of the delay, s; no message arrives before it was sent.
            drop_rate: share of messages that never arrive, 0 to 1.
            rng: draws losses and delays.
        """
        self._latency_s = latency_s
        self._jitter_s = jitter_s
        self._drop_rate = drop_rate
        self._rng = rng
        self._under_way: deque[tuple[float, T]] = deque()
        self.dropped = 0
        """Messages that were lost since the start."""

    def put(self, now_s: float, item: T) -> None:
        """Send at ``now_s``, s on any clock that never goes back."""
        lost, delay = self._rng.random() < self._drop_rate, self._rng.normal(self._latency_s, self._jitter_s)
        if lost:
            self.dropped += 1
            return
        before_s = self._under_way[-1][0] if self._under_way else now_s
        self._under_way.append((max(now_s + max(delay, 0.0), before_s), item))

    def due(self, now_s: float) -> list[T]:
        """Take out what has arrived by ``now_s``, oldest first."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now_s:
            arrived.append(self._under_way.popleft()[1])
        return arrived
