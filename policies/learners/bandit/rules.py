"""The rules that TRUST is measured against: best lower bound, best mean, all alike, and least variance."""

from __future__ import annotations

import math

import numpy as np

from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, check_delta
from vlmrl_ros.policies.learners.bandit.selection import Selection


def lcb(evidence: Evidence, delta: float) -> Selection:
    """The arm with the best lower confidence bound; those that tie share alike.

    Raises:
        ConfigError: delta is not between 0 and 1.

    Source: Zhang, Zhai and Zanette, arXiv 2402.15703; the bounds hold for all arms at once.
    """
    bounds = _bounds(evidence, delta)
    return _best(evidence, bounds, bounds)


def greedy(evidence: Evidence, delta: float) -> Selection:
    """The arm with the best mean, certified by its own lower confidence bound; those that tie share alike.

    After few trials many do, and the first of them is no better than the others.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    return _best(evidence, evidence.means, _bounds(evidence, delta))


def uniform(evidence: Evidence, delta: float) -> Selection:
    """Every arm alike.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    arms = len(evidence.means)
    return fixed(evidence, np.full(arms, 1 / arms), delta)


def least_variance(evidence: Evidence, delta: float) -> Selection:
    """The mixture whose value is known best: TRUST's reference, and what it gives where nothing better is certain.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    return fixed(evidence, evidence.reference, delta)


def fixed(evidence: Evidence, mixture: Floats, delta: float) -> Selection:
    """A mixture that does not depend on the returns: it needs no bound over arms.

    Args:
        evidence: of the arms.
        mixture: float64 (d,), sum 1.
        delta: half of it is the probability that the certificate is wrong.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    check_delta(delta)
    value = float(evidence.means @ mixture)
    doubt = math.sqrt(2 * math.log(2 / delta) * float(evidence.variances @ mixture**2))
    return Selection(mixture, value, value - doubt)


def _bounds(evidence: Evidence, delta: float) -> Floats:
    """Lower bounds of all arms, float64 (d,), that hold together with probability 1 - delta / 2."""
    check_delta(delta)
    return evidence.means - np.sqrt(2 * evidence.variances * math.log(2 * len(evidence.means) / delta))


def _best(evidence: Evidence, scores: Floats, bounds: Floats) -> Selection:
    """The arms with the greatest score, float64 (d,), all alike; the bounds hold together, so their mean holds too."""
    alike = scores == scores.max()
    mixture = alike / alike.sum()
    return Selection(mixture, float(evidence.means @ mixture), float(bounds @ mixture))
