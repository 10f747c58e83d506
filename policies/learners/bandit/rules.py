"""The rules that TRUST is measured against: best lower bound, best mean, all alike, and least variance."""

from __future__ import annotations

import math

import numpy as np

from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, check_delta
from vlmrl_ros.policies.learners.bandit.selection import Selection


def lcb(evidence: Evidence, delta: float) -> Selection:
    """The arm with the best lower confidence bound.

    Raises:
        ConfigError: delta is not between 0 and 1.

    Source: Zhang, Zhai and Zanette, arXiv 2402.15703; the bounds hold for all arms at once.
    """
    bounds = _bounds(evidence, delta)
    return _one(evidence, int(np.argmax(bounds)), bounds)


def greedy(evidence: Evidence, delta: float) -> Selection:
    """The arm with the best mean, certified by its own lower confidence bound.

    Raises:
        ConfigError: delta is not between 0 and 1.
    """
    return _one(evidence, int(np.argmax(evidence.means)), _bounds(evidence, delta))


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


def _one(evidence: Evidence, arm: int, bounds: Floats) -> Selection:
    mixture = np.zeros(len(evidence.means))
    mixture[arm] = 1.0
    return Selection(mixture, float(evidence.means[arm]), float(bounds[arm]))
