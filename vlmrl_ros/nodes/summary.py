"""``summary.json`` and the plots of a run. The keys are documented in ``docs/architecture.md`` and stay stable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlmrl_ros.core.episode_log import takeovers_per_episode
from vlmrl_ros.core.training import Training
from vlmrl_ros.nodes.evaluator import Evaluation
from vlmrl_ros.policies.evaluation.plots import Curve, plot_interventions, plot_success
from vlmrl_ros.policies.evaluation.statistics import success_interval

RATE_WINDOWS = 10
"""The first and the last takeover rate are means over the first and the last tenth of the steps."""


def summarise(
    training: Training, evaluations: Sequence[Evaluation], final: Evaluation | None, arms: Sequence[str] = ("",)
) -> dict[str, Any]:
    """The results of a run as plain JSON values.

    Args:
        training: what was learned from.
        evaluations: autonomous evaluations of the checkpoints, in order.
        final: the evaluation at the end, if one was made.
        arms: names of the arms of a fleet.

    Returns:
        counts, takeover rates (takeovers per episode), the evaluation curve and the final success with its 95 %
        interval; of a fleet, counts of each arm too.
    """
    online, steps = training.log.online(), training.steps
    window = max(1, steps // RATE_WINDOWS)
    summary: dict[str, Any] = {
        "steps": steps,
        "updates": training.updates,
        "offline_updates": training.offline_updates,
        "episodes": len(online),
        "demonstrations": training.demonstrations,
        "demonstrations_failed": training.demonstrations_failed,
        "chains_broken": training.broken,
        "takeover_rate_first": takeovers_per_episode(online, 0, window),
        "takeover_rate_last": takeovers_per_episode(online, steps - window, steps),
        "metrics": dict(training.metrics),
        "evaluations": [{"step": e.step, "checkpoint": e.checkpoint, **_success(e)} for e in evaluations],
    }
    operator = operator_success(training)
    if operator is not None:
        summary["operator_success"] = operator
    if len(arms) > 1:
        summary["arms"] = [_of_arm(training, arm, name) for arm, name in enumerate(arms)]
    if final is not None:
        summary["final"] = {"step": final.step, "checkpoint": final.checkpoint, **_success(final)}
    return summary


def _of_arm(training: Training, arm: int, name: str) -> dict[str, Any]:
    online = [record for record in training.log.online() if record.arm == arm]
    return {
        "arm": name,
        "steps": training.arm_steps[arm],
        "episodes": len(online),
        "takeovers": sum(record.takeovers for record in online),
        "demonstrations": training.sieves[arm].demonstrations,
        "chains_broken": training.chains[arm].broken,
    }


def operator_success(training: Training) -> float | None:
    """Share of demonstrations that succeeded; None where none was tried."""
    attempts = training.demonstrations + training.demonstrations_failed
    return training.demonstrations / attempts if attempts else None


def write_plots(directory: Path, name: str, training: Training, evaluations: Sequence[Evaluation]) -> None:
    """Write ``success.png`` and ``interventions.png``, each where there is something to show."""
    if evaluations:
        values = [success_interval(sum(e.successes), len(e.successes)) for e in evaluations]
        curve = Curve([e.step for e in evaluations], values)
        title = f"{name}: success without help"
        plot_success(directory / "success.png", {name: curve}, title, operator_success(training))
    online = training.log.online()
    if online:
        plot_interventions(directory / "interventions.png", online, f"{name}: how often a person took over")


def _success(evaluation: Evaluation) -> dict[str, Any]:
    interval = success_interval(sum(evaluation.successes), len(evaluation.successes))
    mean_return = sum(evaluation.returns) / len(evaluation.returns)
    return {
        "episodes": len(evaluation.successes),
        "success": interval.mean,
        "success_low": interval.low,
        "success_high": interval.high,
        "task_return": mean_return,
    }
