"""The most that a direction gains within a trust region: solved exactly, for all radii at once.

The region of radius epsilon is {w: w >= 0, sum w = 1, sum v (w - mu)^2 <= epsilon^2} with mu proportional to 1 / v. In
the density r = w / mu the norm is a chi-square divergence, sum v (w - mu)^2 = (E_mu[r^2] - 1) / sum(1 / v), so that a
region is named here by its *second moment* kappa = 1 + epsilon^2 sum(1 / v), the most that E_mu[r^2] may be.

The best density is r = max(0, c - eta) / E_mu[max(0, c - eta)]. With the arms in falling order of c the second moment
of the densities whose eta is an arm's c follows from three cumulative sums and rises as eta does; between two of them
the eta of a given kappa solves a quadratic equation. So one sort gives all radii. All terms of the sums are positive:
nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats

_ROWS = 16
"""Directions sorted together: the arrays of 5,000 arms then stay in the second-level cache."""


@dataclass(frozen=True, eq=False)
class _Sorted:
    """Directions in falling order, each array float64 (n, d); entry k speaks of the best k + 1 arms.

    Attributes:
        direction: c of the arm.
        mass: of the best arms under mu.
        spread: sum mu (c - mean)^2 over them.
        excess: sum mu (c - eta) over them with eta the next arm's c; in the last column its own.
        moment: second moment of the density with that eta; in the last column 1, the least there is.
    """

    direction: Floats
    mass: Floats
    spread: Floats
    excess: Floats
    moment: Floats


def second_moments(evidence: Evidence, decay: float, size: int) -> Floats:
    """Second moments of the grid's regions, float64 (size,): the widest just reaches the farthest vertex.

    Args:
        evidence: of the arms.
        decay: by how much a radius is smaller than the one before, above 1.
        size: number of radii.
    """
    return 1 + (1 / evidence.reference.min() - 1) / decay ** (2.0 * np.arange(size))


def radii(evidence: Evidence, moments: Floats) -> Floats:
    """The epsilons of second moments, float64, in the unit of the returns."""
    return np.sqrt((moments - 1) / evidence.precision)


def best_mixtures(direction: Floats, reference: Floats, moments: Floats) -> Floats:
    """The mixture of each region that goes farthest in a direction.

    Args:
        direction: float64 (d,), c.
        reference: float64 (d,), mu, above 0, sum 1.
        moments: float64 (J,), each above 1.

    Returns:
        float64 (J, d), each row above or equal to 0 with sum 1.
    """
    eta, scale = _thresholds(_sorted(direction[None], reference), moments)
    above = np.maximum(direction - eta[0][:, None], 0.0)
    top = (direction == direction.max()).astype(np.float64)
    density = np.where(scale[0][:, None] > 0, above, top)
    mixture = density * reference
    return mixture / mixture.sum(1, keepdims=True)


def greatest_gains(directions: Floats, reference: Floats, moments: Floats) -> Floats:
    """How far each direction can be followed within each region: max (w - mu) c.

    Args:
        directions: float64 (n, d).
        reference: float64 (d,), mu, above 0, sum 1.
        moments: float64 (J,), each above 1.

    Returns:
        float64 (n, J), 0 or more.
    """
    gains = np.empty((len(directions), len(moments)))
    for begin in range(0, len(directions), _ROWS):
        rows = slice(begin, begin + _ROWS)
        eta, scale = _thresholds(_sorted(directions[rows], reference), moments)
        gains[rows] = eta + moments * scale - (directions[rows] @ reference)[:, None]
    return gains


def _sorted(directions: Floats, reference: Floats) -> _Sorted:
    order = np.argsort(-directions, axis=1)
    c = np.take_along_axis(directions, order, 1)
    mu = reference[order]
    mass = np.cumsum(mu, 1)
    mass /= mass[:, -1:]
    gap = np.zeros_like(c)
    np.subtract(c[:, :-1], c[:, 1:], out=gap[:, :-1])
    excess = np.cumsum(mass * gap, 1)
    spread = np.zeros_like(c)
    before, after = mass[:, :-1], mass[:, 1:]
    spread[:, 1:] = np.cumsum(mu[:, 1:] * np.square(excess[:, :-1]) / (before * after), 1)
    moment = 1 / mass
    moment[:, :-1] += np.divide(
        spread[:, :-1], np.square(excess[:, :-1]), out=np.zeros_like(before), where=excess[:, :-1] > 0
    )
    return _Sorted(c, mass, spread, excess, moment)


def _thresholds(best: _Sorted, moments: Floats) -> tuple[Floats, Floats]:
    """Eta and E_mu[max(0, c - eta)] of the densities with the given second moments, each float64 (n, J).

    The second is 0 where a region holds the best arm alone.
    """
    count: npt.NDArray[np.int64] = np.stack([(best.moment > moment).sum(1) for moment in moments], 1)
    last = np.minimum(count, best.mass.shape[1] - 1)
    mass, spread, next_excess = (np.take_along_axis(part, last, 1) for part in (best.mass, best.spread, best.excess))
    room = np.maximum(moments - 1 / mass, np.finfo(np.float64).tiny)
    scale = np.sqrt(spread / room)
    following = np.take_along_axis(best.direction, np.minimum(last + 1, best.mass.shape[1] - 1), 1)
    return following + (next_excess - scale) / mass, scale
