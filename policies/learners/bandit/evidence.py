"""What is known of the arms after their trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import ConfigError, NonFiniteError, ShapeError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Mean returns of the arms and how far each is to be trusted.

    Attributes:
        means: float64 (d,), mean return of the trials of each arm, d 2 or more.
        variances: float64 (d,), variance of each mean, sigma squared by the number of trials.
    """

    means: Floats
    variances: Floats

    @property
    def reference(self) -> Floats:
        """The mixture whose value is known best: inverse to the variances, float64 (d,), sum 1."""
        precision = 1 / self.variances
        return precision / precision.sum()

    @property
    def precision(self) -> float:
        """Inverse of the variance of the reference's estimated value."""
        return float((1 / self.variances).sum())


def evidence_of(means: Floats, counts: npt.NDArray[np.int64], sigma: Floats) -> Evidence:
    """Check what is known.

    Args:
        means: float64 (d,), mean return of each arm.
        counts: int64 (d,), trials of each arm.
        sigma: float64 (d,) or (1,), noise of one trial, in the unit of the returns: their standard deviation, or a
            bound of it. It cannot be estimated from one trial; half of the range will do where returns are bounded.

    Raises:
        ShapeError: fewer than two arms, or arrays of different lengths.
        ConfigError: an arm without trials, or a sigma that is not above 0 and finite.
        NonFiniteError: a mean that is NaN or infinite.
    """
    if len(means) < 2:
        raise ShapeError(f"{len(means)} arm(s) to choose from; valid: 2 or more")
    if len(counts) != len(means) or len(sigma) not in (1, len(means)):
        raise ShapeError(
            f"{len(counts)} counts and {len(sigma)} sigmas for {len(means)} arms; valid: a count for each arm, and"
            " a sigma for each or one for all"
        )
    for arm in np.flatnonzero(counts < 1)[:1]:
        raise ConfigError(f"arm {arm} has {counts[arm]} trials; valid: 1 or more")
    for index in np.flatnonzero(~(np.isfinite(sigma) & (sigma > 0)))[:1]:
        raise ConfigError(f"sigma of arm {index} is {sigma[index]:g}; valid: above 0 and finite")
    for arm in np.flatnonzero(~np.isfinite(means))[:1]:
        raise NonFiniteError(f"mean return of arm {arm} is {means[arm]}; valid: a finite number")
    return Evidence(np.asarray(means, np.float64), np.square(sigma, dtype=np.float64) / counts)


def check_delta(delta: float) -> None:
    """See that a probability of error is one.

    Raises:
        ConfigError: it is not between 0 and 1.
    """
    if not 0 < delta < 1:
        raise ConfigError(f"delta is {delta:g}; valid: above 0 and below 1")
