"""RLIF against imitation with a strong, a medium and a weak operator, on equal budgets of states.

On ``peg_insert``, where people are scripted: every learner is given 15 successful demonstrations of its operator and
lives through equally many steps with them. And on the tasks of :mod:`~vlmrl_ros.nodes.bench.rlif_experts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.nodes.bench.alone import operator_alone, policy_alone
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lesson import Classroom, Lesson, Outcome, epsilon, take
from vlmrl_ros.nodes.bench.ordering import holds
from vlmrl_ros.nodes.bench.parts import together
from vlmrl_ros.nodes.bench.reaction import LIGHT
from vlmrl_ros.nodes.bench.rlif_experts import DOMAINS, QUICK_DOMAIN, measure_domain
from vlmrl_ros.nodes.bench.skill_plot import draw_skill
from vlmrl_ros.policies.reference import Reference
from vlmrl_ros.sim.load import build as build_task

TASK = "peg_insert"
SEEDS = (0, 1, 2)
STEPS, QUICK_STEPS = 3000, 2500
LEVELS: Mapping[str, Mapping[str, Any]] = {
    "strong": {"bias_x_mm": 0.8, "bias_y_mm": -0.5, "aim_noise_mm": 0.8},
    "medium": {},
    "weak": {"bias_x_mm": 4.5, "bias_y_mm": -3.2},
}
"""Operators by the error of their aim, the best first."""
METHODS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "rlif": ("rlif", LIGHT, {}),
    "hg_dagger": ("hg_dagger", {}, {}),
    "dagger": ("dagger", {}, {"advises": True}),
    "bc": ("bc", {}, {}),
    "rlif_random": ("rlif", LIGHT, {"trigger": "random"}),
    "rlif_value": ("rlif", LIGHT, {"trigger": "judged"}),
}
"""Method: learner, its options, and those in which its operator differs."""
_DOMAINS = {domain.name: domain for domain in (*DOMAINS, QUICK_DOMAIN)}
PARTS = (TASK, *(domain.name for domain in DOMAINS))
JUDGEMENT = {"beta": 0.95, "delta": 0.1}
DISCOUNT = 0.97
EPISODES = 100


def measure(quick: bool, work: Path) -> Figures:
    """Every task; quick: ``peg_insert`` and the inverted pendulum, RLIF and HG-DAgger with the weakest, one seed.

    Returns:
        the figures of each task, and ``ordering_holds``: it holds on all.
    """
    return together(measure_part(part, quick, work) for part in ((TASK, QUICK_DOMAIN.name) if quick else PARTS))


def measure_part(part: str, quick: bool, work: Path) -> Figures:
    """The figures of one task.

    Raises:
        ConfigError: quick, and training the task's experts is not.
    """
    if quick and part in PARTS[1:]:
        raise ConfigError(
            f"part '{part}' has no quick version, for its experts alone take an hour; valid: the whole suite, quick, "
            "or the part in full"
        )
    if part == TASK:
        return _measure_peg(quick, work)
    return measure_domain(_DOMAINS[part], work, quick)


def _measure_peg(quick: bool, work: Path) -> Figures:
    """Train every method with every operator on every seed.

    Returns:
        success of the best weights in 100 fresh episodes; each operator's own success; the discounted task return of
        reference, operator and policy (V_ref, V_exp, V_pi), the judgement's delta and beta, epsilon as it was under the
        policy and the bound on V_pi; ``peg_insert.ordering_holds``, by :func:`~vlmrl_ros.nodes.bench.ordering.holds`.
    """
    seeds, steps = (SEEDS[:1], QUICK_STEPS) if quick else (SEEDS, STEPS)
    levels = ("weak",) if quick else tuple(LEVELS)
    methods = ("rlif", "hg_dagger") if quick else tuple(METHODS)
    reference = "" if quick else str(_reference(work / "reference"))
    figures, success = _operators(levels), {}
    for method in methods:
        for level in levels:
            lessons = [_lesson(method, level, seed, steps, reference) for seed in seeds]
            names = [f"{method}_{level}_s{seed}" for seed in seeds]
            outcomes = [take(lesson, name, work) for lesson, name in zip(lessons, names, strict=True)]
            success[method, level] = float(np.mean([outcome.success for outcome in outcomes]))
            figures |= _figures(f"{TASK}.{level}.{method}", outcomes)
    if not quick:
        figures |= _theory(Path(reference), figures)
        draw_skill(work / f"{TASK}.png", TASK, "success", levels, methods, figures)
    figures[f"{TASK}.ordering_holds"] = float(holds(success, _own(figures, levels)))
    return figures


def _lesson(method: str, level: str, seed: int, steps: int, reference: str) -> Lesson:
    learner, options, habits = METHODS[method]
    judged = habits.get("trigger") == "judged"
    return Lesson(
        learner=learner,
        learner_options=options,
        operator_options={**LEVELS[level], **habits},
        seed=seed,
        steps=steps,
        judge_from=steps // 2,
        reference=reference if judged else "",
        judgement=JUDGEMENT if judged else {},
    )


def _reference(directory: Path) -> Path:
    """A policy that is known to be good: HIL-SERL with the strongest operator; trained once."""
    if not directory.exists():
        lesson = Lesson(learner="hil_serl", operator_options=LEVELS["strong"], seed=1000, steps=STEPS)
        classroom = Classroom(lesson)
        classroom.teach()
        aside = directory.with_suffix(".part")
        aside.mkdir(exist_ok=True)
        classroom.save(aside)
        aside.rename(directory)
    return directory


def _operators(levels: Sequence[str]) -> Figures:
    figures: Figures = {}
    task = build_task(TASK, {})
    for level in levels:
        alone = operator_alone(task, LEVELS[level], 2 * EPISODES, DISCOUNT)
        figures |= alone.figures(f"{TASK}.{level}.operator.success")
        figures[f"{TASK}.{level}.v_exp"] = alone.value
    task.close()
    return figures


def _figures(name: str, outcomes: Sequence[Outcome]) -> Figures:
    figures = over_seeds(f"{name}.success", [outcome.success for outcome in outcomes])
    figures[f"{name}.v_pi"] = float(np.mean([outcome.value for outcome in outcomes]))
    figures[f"{name}.takeover_rate.last"] = float(np.mean([outcome.takeovers_last for outcome in outcomes]))
    return figures | epsilon(name, outcomes)


def _theory(reference: Path, figures: Figures) -> Figures:
    """The terms of RLIF's bound of whoever is taught by value; see :mod:`~vlmrl_ros.policies.evaluation.theory`."""
    task = build_task(TASK, {})
    alone = policy_alone(task, Reference(reference, task.spec).policy, EPISODES, DISCOUNT)
    task.close()
    delta = JUDGEMENT["delta"]
    found = {f"{TASK}.v_ref": alone.value, f"{TASK}.delta": delta, f"{TASK}.beta": JUDGEMENT["beta"]}
    for level in LEVELS:
        name, v_exp = f"{TASK}.{level}.rlif_value", figures[f"{TASK}.{level}.v_exp"]
        loss = delta * figures[f"{name}.epsilon"] / (1.0 - DISCOUNT)
        found[f"{name}.bound"] = max(alone.value, v_exp) - loss
    return {**found, **alone.figures(f"{TASK}.reference.success")}


def _own(figures: Figures, levels: Sequence[str]) -> dict[str, float]:
    """What RLIF has to pass at each level."""
    ends = {level: "low" if level == "strong" else "mean" for level in levels}
    return {level: figures[f"{TASK}.{level}.operator.success.{end}"] for level, end in ends.items()}
