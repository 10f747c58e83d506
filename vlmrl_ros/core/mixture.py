"""Which of several policies acts: what the selector says on ``policy/selection``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import RangeError, ShapeError
from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.spec import MAX_COUNT, MAX_NAME

MAX_TEXT = 4_000_000
"""Longest text of a mixture that is parsed, characters."""
MAX_CANDIDATES = 10_000
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Mixture:
    """One candidate is drawn when an episode begins, and acts to its end.

    Attributes:
        names: of the candidates.
        probabilities: of each to be drawn, sum 1.
        last_episode: the last episode that may begin by it, where another mixture will follow; None: every one.
    """

    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    last_episode: int | None = None

    @staticmethod
    def of_one(names: Sequence[str], arm: int, last_episode: int | None = None) -> Mixture:
        """The mixture that holds a single candidate."""
        return Mixture(tuple(names), tuple(float(index == arm) for index in range(len(names))), last_episode)

    def covers(self, episode: int) -> bool:
        """Whether an episode may begin by it."""
        return self.last_episode is None or episode <= self.last_episode

    def draw(self, rng: np.random.Generator) -> int:
        """The candidate of one episode, from 0."""
        chances = np.asarray(self.probabilities)
        return int(rng.choice(len(chances), p=chances / chances.sum()))

    def to_json(self) -> str:
        """As JSON text."""
        plain = {"names": self.names, "probabilities": self.probabilities, "last_episode": self.last_episode}
        return json.dumps(plain, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Mixture:
        """Read what :meth:`to_json` wrote.

        Raises:
            ShapeError: it is no mixture.
            RangeError: too long, or numbers that are no probabilities or no episode.
        """
        return read_json(text, "a mixture", MAX_TEXT, Mixture._of_plain).checked()

    @staticmethod
    def _of_plain(plain: Any) -> Mixture:
        last = plain["last_episode"]
        names, probabilities = tuple(map(str, plain["names"])), tuple(map(float, plain["probabilities"]))
        return Mixture(names, probabilities, None if last is None else int(last))

    def checked(self) -> Mixture:
        """Itself.

        Raises:
            ShapeError: it has no candidate, too many, or one twice.
            RangeError: a name too long, numbers that are no probabilities, or no episode.
        """
        count = len(self.names)
        if count != len(self.probabilities) or not 1 <= count <= MAX_CANDIDATES or len(set(self.names)) < count:
            raise ShapeError(
                f"a mixture of {count} names and {len(self.probabilities)} probabilities; valid: one for each name,"
                f" each name once, {MAX_CANDIDATES} at most"
            )
        if max(map(len, self.names)) > MAX_NAME:
            raise RangeError(f"a candidate's name has {MAX_NAME} characters at most")
        total = sum(self.probabilities)
        if not all(p >= 0 for p in self.probabilities) or not math.isclose(total, 1.0, abs_tol=_ROUNDING):
            raise RangeError(f"probabilities of a mixture sum to {total:g}; valid: 0 or more each, sum 1")
        if self.last_episode is not None and not 0 <= self.last_episode <= MAX_COUNT:
            raise RangeError(f"a mixture up to episode {self.last_episode}; valid: a whole number from 0")
        return self
