"""Where the policy of each stage goes, and how well the starts of the next stage cover it.

The bounds of policy gradient methods grow with the mismatch ``max_s d(s) / mu(s)`` between the discounted visitation
``d`` of the policy sought and the distribution ``mu`` in which episodes begin (Kakade and Langford, 2002). A roll-in
mixes the visitation of the stage before into ``mu``; this is what the learner logs of it.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vlmrl_ros.core.spec import FloatArray

Cell = str
Masses = dict[Cell, float]

BINS = 8
"""Cells along each component, over its bounds."""
FINEST = 4
"""Components that make a cell: with more nearly every state has a cell of its own."""


class Visitation:
    """Discounted visits of the newest plain episodes, in cells of the normalised state."""

    def __init__(self, columns: Sequence[int], discount: float, beta: float, window: int) -> None:
        """Begin with no visit.

        Args:
            columns: components of the state that matter, without the context; the first :data:`FINEST` make the cell.
            discount: of the visits.
            beta: share of the stage before in the starts.
            window: plain episodes whose visits count.
        """
        self._columns = list(columns)[:FINEST]
        self._discount = discount
        self._beta = beta
        self._episodes: deque[Masses] = deque(maxlen=window)
        self._open: Counter[Cell] = Counter()
        self._starts: Counter[Cell] = Counter()
        self._before: Masses = {}

    def visit(self, state: FloatArray, step: int) -> None:
        """Count a step of a plain episode; ``state`` float32 (N,), normalised."""
        bins = np.clip((state[self._columns] + 1) / 2 * BINS, 0, BINS - 1).astype(int)
        cell = ",".join(map(str, bins))
        self._open[cell] += self._discount**step
        if step == 0:
            self._starts[cell] += 1

    def end_episode(self) -> None:
        """A plain episode is over."""
        if self._open:
            self._episodes.append(normalised(self._open))
            self._open = Counter()

    def end_stage(self) -> dict[str, float]:
        """The stage is solved: compare what its policy visits with the starts that it had.

        Returns:
            ``uncovered.rho``: share of the visitation in cells where no episode began by itself; ``uncovered.mixture``:
            the same when the visitation of the stage before is mixed in; ``mismatch.mixture``: the greatest ratio of
            visitation to starts over the cells that are covered; ``mismatch.rho``: that of the starts alone, absent
            where they leave cells uncovered, for then it is infinite.
        """
        total: Counter[Cell] = Counter()
        for episode in self._episodes:
            total.update(episode)
        visited, rho = normalised(total), normalised(self._starts)
        mixture = mix(rho, self._before, self._beta if self._before else 0.0)
        self._before = visited
        self._episodes.clear()
        found = {"uncovered.rho": uncovered(visited, rho), "uncovered.mixture": uncovered(visited, mixture)}
        if covered := [visited[cell] / mixture[cell] for cell in visited if mixture.get(cell, 0.0) > 0.0]:
            found["mismatch.mixture"] = max(covered)
        if visited and not found["uncovered.rho"]:
            found["mismatch.rho"] = max(visited[cell] / rho[cell] for cell in visited)
        return found

    def state(self) -> dict[str, Any]:
        """All that changes, fit for JSON."""
        return {
            "episodes": list(self._episodes),
            "open": self._open,
            "starts": self._starts,
            "before": self._before,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        self._episodes = deque((dict(masses) for masses in state["episodes"]), maxlen=self._episodes.maxlen)
        self._open, self._starts = Counter(state["open"]), Counter(state["starts"])
        self._before = dict(state["before"])


def normalised(masses: Mapping[Cell, float]) -> Masses:
    """The same masses with sum 1; empty stays empty."""
    total = math.fsum(masses.values())
    return {cell: mass / total for cell, mass in masses.items()}


def mix(first: Masses, second: Masses, share: float) -> Masses:
    """``share`` of the second and the rest of the first."""
    cells = first.keys() | second.keys()
    return {cell: (1 - share) * first.get(cell, 0.0) + share * second.get(cell, 0.0) for cell in cells}


def uncovered(visited: Masses, starts: Masses) -> float:
    """Share of the visits in cells without starts."""
    return math.fsum(mass for cell, mass in visited.items() if starts.get(cell, 0.0) <= 0.0)
