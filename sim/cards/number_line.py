"""NumberLine: reach the target number by single steps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from vlmrl_ros.sim.cards.game import Outcome

HIGHEST = 5
MOVES = {"-": -1, "+": 1}


class NumberLine:
    """Numbers 0 to 5. +1 for reaching the target, -1 for a step that does not come nearer, 0 for one that does.

    At most 10 steps. So a single wrong step makes the episode a failure.
    """

    name = "number_line"
    actions = tuple(MOVES)

    def reset(self, rng: np.random.Generator) -> None:
        """Draw two different numbers: where they would be equal the target is the next one, modulo 5."""
        self.current, self.target = (int(number) for number in rng.integers(0, HIGHEST + 1, 2))
        if self.current == self.target:
            self.target = (self.target + 1) % HIGHEST
        self._steps = 0

    def act(self, action: str) -> Outcome:
        """Go one step; at an end of the line stay."""
        before = abs(self.target - self.current)
        self.current = min(max(self.current + MOVES[action], 0), HIGHEST)
        self._steps += 1
        after = abs(self.target - self.current)
        if after == 0:
            return Outcome(1.0, terminated=True)
        return Outcome(0.0 if after < before else -1.0, truncated=self._steps >= 2 * HIGHEST)

    def solution(self) -> str:
        """Towards the target."""
        return "+" if self.current < self.target else "-"

    def right_actions(self) -> frozenset[str]:
        """The solution alone."""
        return frozenset({self.solution()})

    @property
    def state(self) -> Hashable:
        """Target and current number."""
        return self.target, self.current

    @property
    def facts(self) -> Mapping[str, Any]:
        """Both numbers."""
        return {"target number": self.target, "current number": self.current}
