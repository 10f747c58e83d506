"""RLIF against HG-DAgger, BC and random takeovers on ``peg_insert``.

One operator, one budget, through the launch file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.nodes.bench.alone import operator_alone
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.launched import LaunchedRun, train
from vlmrl_ros.sim.load import build as build_task

SEEDS = (0, 1, 2)
MARKS = {
    "operator.success": (0.0, 0.6),
    **{f"rlif.success.seed{seed}": (0.95, 1.0) for seed in SEEDS},
    "hg_dagger.success.mean": (0.0, 0.75),
}
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
    alone = operator_alone(build_task("peg_insert", {}), {}, OPERATOR_EPISODES)
    figures = alone.figures("operator.success") | {"operator.success": alone.success}
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
