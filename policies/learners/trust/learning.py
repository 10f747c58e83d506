"""TRUST: trust region enhancement of the mixture whose value is known best.

Source: Zhang, Zhai and Zanette, Is Offline Decision Making Possible with Only Few Samples?, arXiv 2402.15703. Names of
the steps are the paper's, the constants are reconstructed; see docs/selection.md.
"""

from __future__ import annotations

import math

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, check_delta
from vlmrl_ros.policies.learners.bandit.rules import least_variance
from vlmrl_ros.policies.learners.bandit.selection import PathPoint, Selection
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.region import best_mixtures, greatest_gains, radii, second_moments

_NOISE_ROWS = 64
"""Draws of the noise that are held at once."""


def trust(evidence: Evidence, config: TrustConfig, rng: np.random.Generator) -> Selection:
    """The mixture that is better than the reference by the most, for certain.

    Args:
        evidence: of the arms.
        config: options; ``sigma`` is in the evidence already.
        rng: draws the noise.

    Raises:
        ConfigError: delta is not between 0 and 1, or there are too few draws for it.
    """
    return enhance(evidence, critical_radii(evidence, config, rng), config)


def critical_radii(evidence: Evidence, config: TrustConfig, rng: np.random.Generator) -> Floats:
    """How much noise the best mixture of each region may exploit; together they hold with probability 1 - delta / 2.

    They depend on the variances alone, not on the means.

    Args:
        evidence: of the arms.
        config: options.
        rng: draws the noise.

    Returns:
        float64 (J,), from the widest region to the narrowest, in the unit of the returns.

    Raises:
        ConfigError: delta is not between 0 and 1, or there are too few draws for it.
    """
    check_draws(config)
    rank = math.ceil((config.draws + 1) * (1 - _tail(config)) - 1e-9) - 1  # the true noise is one more draw
    moments = second_moments(evidence, config.decay, config.radii)
    scale, reference = np.sqrt(evidence.variances), evidence.reference
    gains = np.empty((config.draws, config.radii))
    for begin in range(0, config.draws, _NOISE_ROWS):
        rows = gains[begin : begin + _NOISE_ROWS]
        noise = rng.standard_normal((len(rows), len(scale))) * scale
        rows[:] = greatest_gains(noise, reference, moments)
    return np.partition(gains, rank, axis=0)[rank]


def enhance(evidence: Evidence, critical: Floats, config: TrustConfig) -> Selection:
    """Choose the region whose improvement is the most certain; the reference stays where none is.

    Args:
        evidence: of the arms.
        critical: float64 (J,), of :func:`critical_radii` with the same variances and options.
        config: options.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    moments = second_moments(evidence, config.decay, config.radii)
    reference, fallback = evidence.reference, least_variance(evidence, config.delta)
    mixtures = best_mixtures(evidence.means, reference, moments)
    improvements = (mixtures - reference) @ evidence.means
    path = tuple(
        PathPoint(*map(float, point)) for point in zip(radii(evidence, moments), improvements, critical, strict=True)
    )
    best = max(range(len(path)), key=lambda index: path[index].score)
    point = path[best]
    if point.score < 0:
        return Selection(fallback.mixture, fallback.value, fallback.certificate, path=path)
    return Selection(
        mixtures[best],
        fallback.value + point.improvement,
        fallback.certificate + point.score,
        point.radius,
        point.critical_radius,
        path,
    )


def check_draws(config: TrustConfig) -> None:
    """See that the noise is drawn often enough for the quantile that is wanted.

    Raises:
        ConfigError: delta is not between 0 and 1, or less than one draw lies beyond the quantile.
    """
    check_delta(config.delta)
    tail = _tail(config)
    if config.draws * tail < 1 - 1e-9:
        raise ConfigError(
            f"draws is {config.draws}, too few for delta {config.delta:g} and {config.radii} radii: the bound would be"
            f" the greatest draw and not valid; valid: {math.ceil(1 / tail - 1e-9)} or more"
        )


def _tail(config: TrustConfig) -> float:
    """Probability with which the bound of one radius may fail: delta / 2 is shared among all."""
    return config.delta / (2 * config.radii)
