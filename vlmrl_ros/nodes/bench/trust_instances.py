"""Bandits whose truth is known: those of our notes on TRUST, scaled to any number of arms, and their trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.streams import stream
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, evidence_of


@dataclass(frozen=True, eq=False)
class Bandit:
    """Arms with normal noise.

    Attributes:
        name: of the instance and its number of arms, as in the figures.
        means: float64 (d,), true mean returns.
        counts: int64 (d,), trials.
        sigma: float64 (d,), noise of one trial.
    """

    name: str
    means: Floats
    counts: npt.NDArray[np.int64]
    sigma: Floats

    def known(self) -> Evidence:
        """The evidence if there were no noise: its variances are those of every evidence."""
        return evidence_of(self.means, self.counts, self.sigma)

    def tried(self, seed: int) -> Evidence:
        """The evidence after the trials of a seed."""
        noise = stream(seed, self.name).normal(size=len(self.means)) * self.sigma / np.sqrt(self.counts)
        return evidence_of(self.means + noise, self.counts, self.sigma)


def bandit(instance: str, arms: int) -> Bandit:
    """One of :data:`INSTANCES` with a number of arms, 10 or more."""
    means, counts, sigma = INSTANCES[instance](arms)
    return Bandit(f"{instance}.d{arms}", means, counts, np.broadcast_to(np.asarray(sigma, np.float64), (arms,)))


_Parts = tuple[Floats, npt.NDArray[np.int64], Floats]


def _halves(arms: int, sigma: float) -> _Parts:
    """A and A': the good half has mean 1, the other 0; one trial each, equal noise."""
    means = (np.arange(arms) < arms // 2).astype(np.float64)
    return means, np.ones(arms, np.int64), np.array([sigma])


def _safe(arms: int) -> _Parts:
    """B: one in fifty is safe, tried 50 times and mediocre; the others are good, or bad and noisy, tried once."""
    safe = max(1, arms // 50)
    good = (arms - safe) // 2
    groups = np.repeat([0, 1, 2], [safe, good, arms - safe - good])
    return np.array([0.2, 1.0, -1.0])[groups], np.array([50, 1, 1])[groups], np.array([1.0, 1.0, 3.0])[groups]


def _quiet(arms: int) -> _Parts:
    """C: the good half is noisy, the bad half is known well; one trial each."""
    good = np.arange(arms) < arms // 2
    return good.astype(np.float64), np.ones(arms, np.int64), np.where(good, 1.0, 0.25)


def _even(arms: int) -> _Parts:
    """Means evenly spaced from 0 to 1; one trial each, equal noise."""
    return np.linspace(0, 1, arms), np.ones(arms, np.int64), np.array([0.3])


INSTANCES: dict[str, Callable[[int], _Parts]] = {
    "a": lambda arms: _halves(arms, 1.0),
    "a_prime": lambda arms: _halves(arms, 2.0),
    "b": _safe,
    "c": _quiet,
    "even": _even,
}
