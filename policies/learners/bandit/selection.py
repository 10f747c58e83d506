"""What a rule decides: a mixture over arms and what is certain of its value."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.policies.learners.bandit.evidence import Floats


@dataclass(frozen=True)
class PathPoint:
    """One radius of the trust region's grid.

    Attributes:
        radius: of the region, in the unit of the returns.
        improvement: what the best mixture in the region promises above the reference.
        critical_radius: how much of that may be noise.
    """

    radius: float
    improvement: float
    critical_radius: float

    @property
    def score(self) -> float:
        """The improvement that is certain."""
        return self.improvement - self.critical_radius


@dataclass(frozen=True, eq=False)
class Selection:
    """A mixture: one arm is drawn from it when an episode begins, and acts to its end.

    Attributes:
        mixture: float64 (d,), probability of each arm, sum 1.
        value: its estimated mean return, in the unit of the returns.
        certificate: with probability 1 - delta its true mean return is above this. It is a statement on the mean over
            draws, not on the arm that a draw gives.
        radius: of the trust region that was taken, 0 where the reference stays.
        critical_radius: what was subtracted for the noise that this region lets in.
        path: all radii that were tried, from wide to narrow; empty for rules that have none.
    """

    mixture: Floats
    value: float
    certificate: float
    radius: float = 0.0
    critical_radius: float = 0.0
    path: tuple[PathPoint, ...] = ()
