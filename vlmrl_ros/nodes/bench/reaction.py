"""RLIF with a person who reacts late: the penalty on the last step alone, and the multi-step return.

Operators whose hand takes hold 0 to 5 control steps after they have decided to take over teach ``peg_insert``, with one
setting of each learner for all delays. And ``reach`` with a person who cannot show the way, to see whether it matters
when people take over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lesson import Lesson, Outcome, take
from vlmrl_ros.policies.evaluation.plots import Curve, plot_success
from vlmrl_ros.policies.evaluation.statistics import mean_interval

SEEDS = (0, 1, 2)
DELAYS = (0, 1, 2, 3, 4, 5)
LATE = 3
"""Control steps (0.3 s) from which on a person counts as late."""
LIGHT: Mapping[str, Any] = {"critics": 2, "critic_updates": 2, "samples_per_insert": 512.0}
"""Two critics and two of their updates a step instead of four: half the time, so that all runs fit."""
PLAIN, OURS = "rlif_plain", "rlif"
LEARNERS: Mapping[str, Mapping[str, Any]] = {PLAIN: {**LIGHT, "return_steps": 1}, OURS: LIGHT}
STEPS, QUICK_STEPS = 3000, 2500
MISLED: Mapping[str, Any] = {"bias_x_mm": 25.0, "bias_y_mm": -20.0, "bias_z_mm": 15.0}
"""The aim of a person who always misses the ball of 8 mm, so that doing as they do leads nowhere."""
TRIGGERS = {"informed": "progress", "random": "random", "blind": "blind"}
MISLED_STEPS, MISLED_FROM = 3000, 2000
"""Judged late: on the way every policy touches the ball in passing for a while."""
GOOD, FAILED = 0.9, 0.5


def measure(quick: bool, work: Path) -> Figures:
    """Train each learner at each delay on each seed; quick: one seed, delays of 0 and 5 steps.

    Returns:
        success of the best weights in 100 fresh episodes, its mean over the evaluations of the second half of the run,
        takeovers per episode over the last tenth, for each delay and learner, and for each trigger where the person is
        misled; ``ordering_holds``: ours reaches 90 % at each delay, and at those from 0.3 s on no less than plain RLIF
        on average; ``informed_holds``, of :func:`informs`.
    """
    seeds, delays = (SEEDS[:1], (DELAYS[0], DELAYS[-1])) if quick else (SEEDS, DELAYS)
    steps = QUICK_STEPS if quick else STEPS
    runs = {
        (delay, learner): [
            take(late_lesson(delay, learner, seed, steps), f"{learner}_d{delay}_s{seed}", work) for seed in seeds
        ]
        for delay in delays
        for learner in (LEARNERS if not quick or delay else (OURS,))
    }
    figures: Figures = {}
    for (delay, learner), outcomes in runs.items():
        figures |= _figures(f"peg_insert.delay{delay}.{learner}", outcomes)
    figures["ordering_holds"] = float(_holds(runs))
    if not quick:
        figures |= _misled(work)
        _plot(work / "reaction.png", runs)
    return figures


def _misled(work: Path) -> Figures:
    """RLIF without demonstrations, with a person who misses, by when they take over."""
    figures: Figures = {}
    for name, trigger in TRIGGERS.items():
        outcomes = [take(misled_lesson(trigger, seed), f"misled_{name}_s{seed}", work) for seed in SEEDS]
        figures |= _figures(f"reach_misled.{name}.rlif", outcomes)
    return {**figures, "informed_holds": float(informs(figures))}


def informs(figures: Figures) -> bool:
    """Informed takeovers of a person who misses reach 90 %, those at random and blind ones less than half."""
    success = {name: figures[f"reach_misled.{name}.rlif.success.mean"] for name in TRIGGERS}
    return success["informed"] >= GOOD and max(success["random"], success["blind"]) < FAILED


def misled_lesson(trigger: str, seed: int) -> Lesson:
    """``reach`` taught by a person who misses, without demonstrations."""
    return Lesson(
        learner_options=LIGHT,
        task="reach",
        operator_options={**MISLED, "trigger": trigger},
        seed=seed,
        steps=MISLED_STEPS,
        demonstrations=0,
        judge_from=MISLED_FROM,
    )


def late_lesson(delay: int, learner: str, seed: int, steps: int) -> Lesson:
    """``peg_insert`` taught by a person whose hand takes hold ``delay`` control steps late."""
    return Lesson(
        learner_options=LEARNERS[learner],
        operator_options={"reaction_steps": delay},
        seed=seed,
        steps=steps,
        judge_from=steps // 2,
    )


def _figures(name: str, outcomes: Sequence[Outcome]) -> Figures:
    figures = over_seeds(f"{name}.success", [outcome.success for outcome in outcomes])
    figures |= over_seeds(f"{name}.second_half", [float(np.mean(outcome.evaluations)) for outcome in outcomes])
    figures[f"{name}.takeover_rate.last"] = float(np.mean([outcome.takeovers_last for outcome in outcomes]))
    return figures


def _holds(runs: Mapping[tuple[int, str], Sequence[Outcome]]) -> bool:
    mean = {key: float(np.mean([outcome.success for outcome in outcomes])) for key, outcomes in runs.items()}
    late = [(mean[delay, OURS], mean[delay, PLAIN]) for delay, learner in runs if learner == PLAIN and delay >= LATE]
    ours, plain = np.mean(late, axis=0)
    return all(value >= GOOD for (_, learner), value in mean.items() if learner == OURS) and bool(ours >= plain)


def _plot(path: Path, runs: Mapping[tuple[int, str], Sequence[Outcome]]) -> None:
    names = {PLAIN: "penalty on the last step alone", OURS: "multi-step return"}
    curves = {}
    for learner, name in names.items():
        delays = [delay for delay, of in runs if of == learner]
        values = [mean_interval([float(np.mean(o.evaluations)) for o in runs[delay, learner]]) for delay in delays]
        curves[name] = Curve(delays, values)
    title = "RLIF on peg_insert: success from the half of training on"
    plot_success(path, curves, title, over="reaction of the person, control steps of 0.1 s")
