"""ROLLIN against the same curriculum without roll-in, and no curriculum: on a grid, in a maze, in velocity windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlmrl_ros.core.errors import ConfigError, VlmrlError
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.parts import together
from vlmrl_ros.nodes.bench.remembered import Result
from vlmrl_ros.nodes.bench.rollin_runs import LEARNER, METHODS, SCENARIOS, continuous, tabular
from vlmrl_ros.nodes.bench.rollin_tabular import EPISODES, Tabular
from vlmrl_ros.policies.evaluation.plots import Curve, plot_success
from vlmrl_ros.policies.evaluation.statistics import mean_interval, permutation_p

SEEDS = tuple(range(10))
CONTINUOUS_SEEDS = tuple(range(20, 30))
"""As many as the exact permutation test takes. The settings were chosen on others, and so was the share of the episodes
that has to show the ordering."""
NONE_SEEDS = CONTINUOUS_SEEDS[:3]
"""Without a curriculum a run always takes the whole budget, and nothing is told apart from it."""
GRID = "tabular"
PARTS = (GRID, *SCENARIOS)
CLAIM = "rollin_half"
"""Of the continuous tasks: half of the episodes rolled in, as on the grid."""
QUICK_STEPS = 2500
BETAS = (0.0, 0.1, 0.5)
PASS = Tabular(goals=3, alpha=0.01, beta=0.5)
"""The pass mark of the sheet is set on this run against the same without roll-in."""
GAIN, SIGNIFICANT = 0.3, 0.05
COUNTER_BETAS, COUNTER_SEEDS, COUNTER_UPDATES = (0.0, 0.1, 0.2, 0.5, 0.75), 5, 2000
"""Fine steps and a generous horizon, where roll-in has nothing to give."""
POINTS = 41
"""Of a curve."""


def measure(quick: bool, work: Path) -> Figures:
    """Make every run that ``work`` does not hold yet; quick: the pass mark alone, and one seed of the maze.

    Returns:
        ``<part>.<what>.<learner>.score``, kappa: the share of the curriculum solved within the budget;
        ``ordering_holds`` (1 or 0) of each part, in the continuous ones by :data:`CLAIM`, and of all; on the grid
        ``cover.start`` and ``cover.mixture``, the inverse of the visitation mismatch (0: infinite), else
        ``uncovered.rho`` and ``uncovered.mixture``.

    Raises:
        VlmrlError: quick, and the pass mark is missed or the maze's first stage was not solved.
    """
    if quick:
        figures = _pass_mark(work, SEEDS)
        solved = continuous(work, "maze", "rollin", 0, QUICK_STEPS)["solved"]
        if not (figures["tabular.ordering_holds"] and solved):
            raise VlmrlError(f"ROLLIN does not do what it did: maze solved {solved:g}; {figures}")
        return figures | {f"maze.rollin.{LEARNER}.score.mean": solved}
    return together(measure_part(part, quick, work) for part in PARTS)


def measure_part(part: str, quick: bool, work: Path) -> Figures:
    """The figures of the grid or of a continuous task, as of :func:`measure`.

    Raises:
        ConfigError: quick; a part has no quick version.
    """
    if quick:
        raise ConfigError(f"part '{part}' has no quick version; valid: the whole suite, quick, or the part in full")
    if part != GRID:
        return _continuous(work, part)
    return _pass_mark(work, SEEDS) | _table(work) | _accounting(work) | _counter_case(work) | _without_curriculum(work)


def _pass_mark(work: Path, seeds: Sequence[int]) -> Figures:
    runs = {beta: [tabular(work, _with(PASS, beta=beta), seed) for seed in seeds] for beta in (0.0, PASS.beta)}
    with_, without = ([run["solved"] for run in runs[beta]] for beta in (PASS.beta, 0.0))
    gain, p = float(np.mean(with_) - np.mean(without)), permutation_p(with_, without)
    figures = {"tabular.gain": gain, "tabular.p": p}
    figures["tabular.ordering_holds"] = float(gain >= GAIN and p < SIGNIFICANT)
    for beta, of in runs.items():
        figures |= over_seeds(f"{_name(_with(PASS, beta=beta))}.reinforce.score", [run["solved"] for run in of])
    covers = [run["cover_mixture"][1:] for run in runs[PASS.beta]]
    figures["tabular.cover.start"] = float(np.mean([value for run in runs[PASS.beta] for value in run["cover_start"]]))
    figures["tabular.cover.mixture"] = float(np.mean([value for cover in covers for value in cover]))
    return figures


def _table(work: Path) -> Figures:
    figures: Figures = {}
    for goals in (3, 5):
        for alpha in (0.01, 0.001):
            for beta in BETAS:
                run = Tabular(goals, alpha, beta)
                solved = [tabular(work, run, seed)["solved"] for seed in SEEDS]
                figures |= over_seeds(f"{_name(run)}.reinforce.score", solved)
    return figures


def _accounting(work: Path) -> Figures:
    """The pass mark's run with roll-in steps taken from the horizon."""
    figures: Figures = {}
    for beta in BETAS[1:]:
        run = _with(PASS, beta=beta, accounting="counted")
        solved = [tabular(work, run, seed)["solved"] for seed in SEEDS]
        figures |= over_seeds(f"{_name(run)}.counted.reinforce.score", solved)
    return figures


def _counter_case(work: Path) -> Figures:
    """Budget until the last of 13 goals is solved, in updates of plain episodes."""
    figures: Figures = {}
    for beta in COUNTER_BETAS:
        run = Tabular(13, 0.01, beta, horizon=64, updates=COUNTER_UPDATES)
        made = [tabular(work, run, seed) for seed in range(COUNTER_SEEDS)]
        figures |= over_seeds(f"{_name(run)}.h64.reinforce.score", [result["solved"] for result in made])
        figures |= over_seeds(
            f"{_name(run)}.h64.reinforce.budget", [result["steps"] / (EPISODES * 64) for result in made]
        )
    return figures


def _without_curriculum(work: Path) -> Figures:
    run = Tabular(1, 0.01, 0.0, horizon=64, updates=COUNTER_UPDATES)
    return over_seeds(
        f"{_name(run)}.h64.reinforce.score", [tabular(work, run, seed)["solved"] for seed in range(COUNTER_SEEDS)]
    )


def _continuous(work: Path, task: str) -> Figures:
    runs = {
        method: [
            continuous(work, task, method, seed) for seed in (NONE_SEEDS if method == "none" else CONTINUOUS_SEEDS)
        ]
        for method in METHODS
    }
    solved = {method: [run["solved"] for run in made] for method, made in runs.items()}
    figures: Figures = {}
    for method, values in solved.items():
        figures |= over_seeds(f"{task}.{method}.{LEARNER}.score", values)
    for method in ("rollin", "rollin_half"):
        gain = float(np.mean(solved[method]) - np.mean(solved["warm"]))
        p = permutation_p(solved[method], solved["warm"])
        figures |= {f"{task}.{method}.gain": gain, f"{task}.{method}.p": p}
        for name in ("uncovered.rho", "uncovered.mixture"):
            seen = [switch[name] for run in runs[method] for switch in run["visitation"][1:]]
            if seen:
                figures[f"{task}.{method}.{name}"] = float(np.mean(seen))
    gain, p = (figures[f"{task}.{CLAIM}.{what}"] for what in ("gain", "p"))
    figures[f"{task}.ordering_holds"] = float(gain > 0 and p < SIGNIFICANT)
    figures[f"{task}.wall_s.max"] = max(run["wall_s"] for made in runs.values() for run in made)
    steps = np.linspace(0, SCENARIOS[task].steps, POINTS).astype(int).tolist()
    stages = SCENARIOS[task].setup.curriculum_options["stages"]
    curves = {method: _curve(steps, made, 1 if method == "none" else stages) for method, made in runs.items()}
    plot_success(work / f"{task}.png", curves, f"ROLLIN on {task}", measure="curriculum solved")
    return figures


def _curve(steps: list[int], runs: Sequence[Result], stages: int) -> Curve:
    """Share of the curriculum solved at each of the steps, over seeds."""
    shares = [[sum(switch <= step for switch in run["switches"]) / stages for run in runs] for step in steps]
    return Curve(steps, [mean_interval(share) for share in shares])


def _with(run: Tabular, beta: float, accounting: str = "added") -> Tabular:
    return Tabular(run.goals, run.alpha, beta, run.horizon, accounting, run.updates)


def _name(run: Tabular) -> str:
    """As the sheet counts: K is the number of intermediate goals."""
    alpha, beta = (f"{value:g}".replace(".", "_") for value in (run.alpha, run.beta))
    return f"tabular.k{run.goals - 1}.alpha{alpha}.beta{beta}"
