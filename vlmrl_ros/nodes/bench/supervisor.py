"""Somebody who takes over in the benchmarks of tasks in words."""

from __future__ import annotations

import numpy as np


class Supervisor:
    """Sees what an utterance would do and, where that is not right, has something right done instead, mostly."""

    def __init__(self, attention: float, seed: int) -> None:
        """Take the share of the wrong utterances that are noticed, 0 to 1."""
        self._attention, self.rng = attention, np.random.default_rng(seed)

    def objects(self, right: bool) -> bool:
        """Whether it takes over."""
        return not right and bool(self.rng.random() < self._attention)
