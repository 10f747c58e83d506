"""The trust region's problem as it is written, for a general cone solver: what the exact solution is held against."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats

_TOLERANCE = 1e-9


def greatest_gain(evidence: Evidence, direction: Floats, radius: float) -> float:
    """How far a direction can be followed within one region, by Clarabel through cvxpy.

    Args:
        evidence: of the arms.
        direction: float64 (d,), c.
        radius: epsilon.

    Returns:
        max c x over x with mu + x >= 0, sum x = 0, sum v x^2 <= epsilon^2.

    Raises:
        VlmrlError: cvxpy is not installed.
    """
    try:
        import cvxpy
    except ModuleNotFoundError as error:
        raise VlmrlError(
            f"the suite 'trust' compares with cvxpy: {error}; run: pip install 'vlmrl_ros[bench]'"
        ) from error
    change = cvxpy.Variable(len(direction))
    within = cvxpy.norm(cvxpy.multiply(np.sqrt(evidence.variances), change)) <= radius
    problem = cvxpy.Problem(
        cvxpy.Maximize(direction @ change),
        [evidence.reference + change >= 0, cvxpy.sum(change) == 0, within],
    )
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=_TOLERANCE, tol_gap_rel=_TOLERANCE, tol_feas=_TOLERANCE)
    return float(problem.value)
