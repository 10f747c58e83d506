"""RLIF's bound beside a run: the reference that its terms are measured by, and what watches the steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from vlmrl_ros.core.spec import TaskSpec
    from vlmrl_ros.nodes.plan import Plan
    from vlmrl_ros.policies.evaluation.theory import Theory

VALUES_THE_TASK = ("rlpd", "hil_serl")
"""Learners whose critics say what an action is worth in the task's reward, and have the networks of a reference."""


def check_reference(reference: str, options: Any) -> None:
    """Find out early whether a checkpoint can be the reference of a run; "" is none.

    Args:
        reference: its directory.
        options: of the run's learner.

    Raises:
        CheckpointError: it is missing or damaged, or of a learner whose critics do not value the task.
        ConfigError: the run's learner knows no discount.
    """
    if not reference:
        return
    if not hasattr(options, "discount"):
        raise ConfigError(
            f"reference is '{reference}', but this learner has no discount to value it by; leave it empty"
        )
    learner = read_checkpoint(Path(reference), below=POLICY_FILE).get("learner")
    if learner not in VALUES_THE_TASK:
        valid = ", ".join(VALUES_THE_TASK)
        raise CheckpointError(f"reference '{reference}' is of the learner '{learner}'; valid: {valid}")


def theory_of(plan: Plan, spec: TaskSpec) -> Theory | None:
    """What watches the steps of a run; None where its learner knows no discount.

    Raises:
        CheckpointError: the reference is of another task.
    """
    from vlmrl_ros.policies.evaluation.theory import Theory

    if plan.discount is None:
        return None
    gap = None
    if plan.reference:
        from vlmrl_ros.policies.reference import Reference  # loads torch

        gap = Reference(Path(plan.reference), spec).gap
    return Theory(plan.discount, gap, len(plan.arms))
