"""RLIF against HG-DAgger, BC and random takeovers on ``peg_insert``.

One operator, one budget, through the launch file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.launched import LaunchedRun, train
from vlmrl_ros.policies.evaluation.statistics import success_interval
from vlmrl_ros.sim.load import build as build_task

SEEDS = (0, 1, 2)
OPERATOR_EPISODES = 200
QUICK_STEPS = 3500
METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "rlif": ("rlif", {}),
    "hg_dagger": ("hg_dagger", {}),
    "bc": ("bc", {}),
    "random": ("rlif", {"*": {"operator.trigger": "random"}}),
}
"""Method: learner, and the parameters in which it differs."""
RUN_TIMEOUT_S = 900.0


def measure(quick: bool, work: Path) -> Figures:
    """Train every method on every seed; quick: RLIF and HG-DAgger on one seed, for 3500 steps instead of 5000.

    Returns:
        success of the best checkpoint in 100 fresh episodes, the worst of the last three evaluations on the way,
        takeovers per episode at first and at last, wall time of the longest RLIF run; the operator's own success.
    """
    seeds, methods = (SEEDS[:1], ("rlif", "hg_dagger")) if quick else (SEEDS, tuple(METHODS))
    figures = _operator_alone()
    for method in methods:
        learner, parameters = METHODS[method]
        runs = []
        for seed in seeds:
            arguments = {"learner": learner, "seed": seed, **({"max_steps": QUICK_STEPS} if quick else {})}
            runs.append(train(work, f"{method}_{seed}", arguments, parameters, RUN_TIMEOUT_S))
        figures |= _figures(method, seeds, runs)
    return figures


def _figures(method: str, seeds: tuple[int, ...], runs: list[LaunchedRun]) -> Figures:
    success = [run.summary["final"]["success"] for run in runs]
    figures = {f"{method}.success.seed{seed}": value for seed, value in zip(seeds, success, strict=True)}
    figures |= over_seeds(f"{method}.success", success)
    figures[f"{method}.worst_of_last3.min"] = min(
        evaluation["success"] for run in runs for evaluation in run.summary["evaluations"][-3:]
    )
    for end in ("first", "last"):
        figures[f"{method}.takeover_rate.{end}"] = float(np.mean([run.summary[f"takeover_rate_{end}"] for run in runs]))
    figures[f"{method}.wall_s.max"] = max(run.wall_s for run in runs)
    return figures


def _operator_alone() -> Figures:
    """Success of the operator who drives every episode from first to last step, with its 95 % interval."""
    task = build_task("peg_insert", {})
    operator = registry.load("operators", "peg_insert")(task.spec, {})
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed=0)
    arrival, successes, episodes = loop.begin(), 0, 0
    while episodes < OPERATOR_EPISODES:
        feedback = arrival.feedback
        if feedback.step == 0:
            operator.reset(stream(0, "operator", feedback.episode), True)
        intent = operator.intent(
            Glance(arrival.scene, feedback.step, feedback.last, feedback.success, feedback.step > 0)
        )
        episodes, successes = episodes + feedback.last, successes + (feedback.last and feedback.success)
        _, arrival = loop.advance(arrival, intent.action, Mark.NONE)
    task.close()
    interval = success_interval(successes, episodes)
    return {
        "operator.success": interval.mean,
        "operator.success.low": interval.low,
        "operator.success.high": interval.high,
    }
