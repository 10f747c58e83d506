"""When to try each candidate more often instead of trusting one trial: see docs/selection.md for the measurements."""

from __future__ import annotations

from vlmrl_ros.policies.learners.bandit.evidence import Evidence

FEW = 100
"""With fewer candidates TRUST hardly leaves its reference."""


def more_trials(evidence: Evidence) -> list[str]:
    """Reasons to try each candidate more often before one decides; none where TRUST is at its best."""
    reasons = []
    if evidence.variances.max() <= evidence.variances.min() * (1 + 1e-9):
        reasons.append("all candidates have the same noise and number of trials, where the best mean is as well chosen")
    if len(evidence.means) < FEW:
        reasons.append(f"{len(evidence.means)} candidates are few, where little of an improvement is certain")
    return reasons
