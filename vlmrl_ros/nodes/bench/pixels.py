"""RLIF from two cameras: with an encoder that learns, with one that stays as it was drawn, and blind.

And a classifier that tells by the same cameras what is to be rewarded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.nodes.bench.by_sight import measure_classifier
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lesson import Lesson, Outcome, take
from vlmrl_ros.nodes.bench.parts import together
from vlmrl_ros.policies.evaluation.plots import Curve, plot_success
from vlmrl_ros.policies.evaluation.statistics import mean_interval

SEEDS = (0, 1, 2)
SEES: Mapping[str, Any] = {"observation": "pixels", "image_size": 64}
"""Two cameras and what the arm feels of itself, without what tells where the goal is."""
LIGHT: Mapping[str, Any] = {
    "critics": 2,
    "critic_updates": 1,
    "batch_size": 64,
    "samples_per_insert": 64.0,
    "learning_rate": 6e-4,
    "latent": 32,
    "capacity": 20_000,
}
"""One small update a step: nearly all of its time goes into the convolutions."""
EYES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "trained": ({}, {}),
    "frozen": ({"train_encoder": False}, {}),
    "blind": ({}, {"cameras": []}),
}
"""Deviations from the learner's and the task's options."""
STEPS: Mapping[str, int] = {"reach": 5000, "peg_insert": 3000}
PARTS = tuple(STEPS)
SHARP: Mapping[str, Mapping[str, Any]] = {"reach": {"encoder": "spatial_cnn", "shift_px": 2}, "peg_insert": {}}
"""Deviations for a task: to reach a ball of 8 mm, two pixels from the front, is to know where it is."""
QUICK_STEPS = 1500
GOOD = 0.8


def measure(quick: bool, work: Path) -> Figures:
    """Train with each kind of eyes on each task and seed; quick: ``peg_insert``, one seed, trained and blind.

    Returns:
        success of the best weights in 100 fresh episodes, and takeovers per episode over the first and the last tenth,
        for each task and kind of eyes; ``<task>.ordering_holds``: trained eyes reach 80 % and are better than none;
        quick: they need fewer takeovers at last than at first, and fewer than none; ``<task>.classifier.*`` of
        :func:`~vlmrl_ros.nodes.bench.by_sight.measure_classifier`; ``ordering_holds``: on all.
    """
    return together(measure_part(task, quick, work) for task in (("peg_insert",) if quick else PARTS))


def measure_part(task: str, quick: bool, work: Path) -> Figures:
    """The figures of one task, as of :func:`measure`."""
    kinds, seeds = (("trained", "blind"), SEEDS[:1]) if quick else (tuple(EYES), SEEDS)
    figures = measure_classifier(task, SEES, seeds, quick, work)
    runs = {kind: [_run(task, kind, seed, quick, work) for seed in seeds] for kind in kinds}
    for kind, outcomes in runs.items():
        figures |= _figures(f"{task}.{kind}.rlif", outcomes)
    if not quick:
        _plot(work / f"{task}.png", task, runs)
    return {**figures, f"{task}.ordering_holds": float(_holds(figures, task, quick))}


def _run(task: str, kind: str, seed: int, quick: bool, work: Path) -> Outcome:
    lesson = lesson_of(task, kind, seed)
    if quick:
        lesson = replace(lesson, steps=QUICK_STEPS, episodes=20, final_episodes=20)
    return take(lesson, f"{task}_{kind}_s{seed}", work)


def lesson_of(task: str, kind: str, seed: int) -> Lesson:
    """A task seen with one kind of :data:`EYES`."""
    learner, seen = EYES[kind]
    return Lesson(
        learner_options={**LIGHT, **SHARP[task], **learner},
        task=task,
        task_options={**SEES, **seen},
        seed=seed,
        steps=STEPS[task],
    )


def _figures(name: str, outcomes: Sequence[Outcome]) -> Figures:
    figures = over_seeds(f"{name}.success", [outcome.success for outcome in outcomes])
    figures[f"{name}.takeover_rate.first"] = float(np.mean([outcome.takeovers_first for outcome in outcomes]))
    figures[f"{name}.takeover_rate.last"] = float(np.mean([outcome.takeovers_last for outcome in outcomes]))
    figures[f"{name}.wall_s.max"] = max(outcome.wall_s for outcome in outcomes)
    return figures


def _plot(path: Path, task: str, runs: Mapping[str, Sequence[Outcome]]) -> None:
    """Success on the way, with intervals over seeds."""
    curves = {}
    for kind, outcomes in runs.items():
        ways = zip(*(outcome.evaluations for outcome in outcomes), strict=False)
        values = [mean_interval(way) for way in ways]
        steps = [Lesson.judge_every * (index + 1) for index in range(len(values))]
        curves[f"{kind} encoder" if kind != "blind" else kind] = Curve(steps, values)
    plot_success(path, curves, f"RLIF on {task} from two cameras")


def _holds(figures: Figures, task: str, quick: bool) -> bool:
    if quick:
        first, last = (figures[f"{task}.trained.rlif.takeover_rate.{end}"] for end in ("first", "last"))
        return last < min(first, figures[f"{task}.blind.rlif.takeover_rate.last"])
    trained, blind = (figures[f"{task}.{kind}.rlif.success.mean"] for kind in ("trained", "blind"))
    return trained >= GOOD and trained > blind
