"""Intervals that say how far a measured figure can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import ConfigError

Floats = npt.NDArray[np.float64]

_GRID = 200_001
MOST_PERMUTED = 20
"""Most values of a permutation test: 184,756 ways."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the range that covers the truth with the stated confidence.

    Attributes:
        mean: the estimate.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float


def success_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a success rate; honest at 0 and 1, where the normal interval has no width.

    Args:
        successes: 0 to ``trials``.
        trials: independent episodes, 1 or more.
        confidence: coverage, between 0 and 1.

    Raises:
        ConfigError: impossible counts.

    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ConfigError(
            f"{successes} successes in {trials} trials; valid: 0 to the number of trials, which is 1 or more"
        )
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    shrink = 1 + z**2 / trials
    middle = (rate + z**2 / (2 * trials)) / shrink
    half = z * np.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2)) / shrink
    low = 0.0 if successes == 0 else float(middle - half)  # exact, where rounding would leave it above the rate
    high = 1.0 if successes == trials else float(middle + half)
    return Interval(rate, low, high)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's interval of a mean over seeds.

    Args:
        values: one figure for each seed, 2 or more.
        confidence: coverage, between 0 and 1.

    Raises:
        ConfigError: fewer than two values.
    """
    if len(values) < 2:
        raise ConfigError(f"an interval over seeds needs 2 values or more; got {len(values)}")
    sample = np.asarray(values, np.float64)
    half = student_quantile(0.5 + confidence / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample))
    mean = float(sample.mean())
    return Interval(mean, mean - float(half), mean + float(half))


def bootstrap_interval(
    values: Sequence[float], rng: np.random.Generator, confidence: float = 0.95, resamples: int = 10_000
) -> Interval:
    """Percentile bootstrap of a mean, for many values that are far from normal (returns, lengths, counts).

    Raises:
        ConfigError: no value.
    """
    if not len(values):
        raise ConfigError("a bootstrap needs 1 value or more; got 0")
    sample = np.asarray(values, np.float64)
    means = sample[rng.integers(len(sample), size=(resamples, len(sample)))].mean(1)
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(float(sample.mean()), float(low), float(high))


def permutation_p(greater: Sequence[float], smaller: Sequence[float]) -> float:
    """One-sided permutation test of a difference of means, exact: every way to share the values out is counted.

    Args:
        greater: values whose mean is claimed to be the greater one.
        smaller: the others; together 20 at most.

    Returns:
        share of the ways in which the difference is at least the one that was found, 0 to 1.

    Raises:
        ConfigError: an empty side, or more than 20 values.
    """
    first, values = len(greater), np.array([*greater, *smaller], np.float64)
    if not 0 < first < len(values) <= MOST_PERMUTED:
        raise ConfigError(
            f"a permutation test of {first} against {len(values) - first} values; valid: 1 or more each,"
            f" {MOST_PERMUTED} together"
        )
    chosen = np.array(list(combinations(range(len(values)), first)))
    sums = values[chosen].sum(1)
    return float(np.mean(sums >= sums[0] - 1e-9))


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t, to six digits.

    With t = sqrt(n) tan(a) the density becomes cos(a)^(n - 1), which a grid integrates well for every n.

    Args:
        probability: between 0 and 1.
        freedom: degrees of freedom n, 1 or more.
    """
    angle: Floats = np.linspace(-np.pi / 2, np.pi / 2, _GRID)
    density = np.cos(angle).clip(0.0) ** (freedom - 1)
    cumulative = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    found = np.interp(probability, cumulative / cumulative[-1], angle)
    return float(np.sqrt(freedom) * np.tan(found))
