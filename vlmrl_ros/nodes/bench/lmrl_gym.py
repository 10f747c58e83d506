"""LMRL-Gym's comparison of learners of language, on two cores: raw returns beside normalised scores.

The models are not GPT-2 but of some hundred thousand parameters, made from a configuration; the tasks' rules, rewards
and normalisation are LMRL-Gym's (arXiv 2311.18232).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lmrl_gym_games import CHESS, ENDGAMES, MAZE_PARTIAL, TEXT_NAV, TEXTWORLD, WORDLE
from vlmrl_ros.nodes.bench.lmrl_gym_maze import ROWS, exact_values, values_of
from vlmrl_ros.nodes.bench.lmrl_gym_rules import CAR_DEALER, GUESS_CITY, TWENTY_QUESTIONS
from vlmrl_ros.nodes.bench.lmrl_gym_runs import Plan, Recipe, episodes, run, weights
from vlmrl_ros.nodes.bench.lmrl_gym_tables import Tables, tabular_returns
from vlmrl_ros.nodes.bench.lmrl_gym_tabletop import TABLETOP
from vlmrl_ros.nodes.bench.parts import together
from vlmrl_ros.sim.text.load import game
from vlmrl_ros.sim.text.maze_map import STARTS, Floats, optimal_return

SHARED = {"layers": 1, "width": 64, "heads": 4, "context": 128, "answer_tokens": 5, "updates": 50}
VALUES = {"discount": 0.99, "cql_weight": 0.05}
ONLINE = {"learning_rate": 1e-3, "rollouts": 64, "batch_size": 512}
MAZE = Plan(
    task="maze",
    options={},
    data=1240,
    shared={**SHARED, "batch_size": 0, "learning_rate": 3e-3},
    recipes={
        "lm_bc": Recipe(6, cloned=False),
        "lm_filtered_bc": Recipe(6, {"keep": "successful"}, cloned=False),
        "lm_mc": Recipe(8, {**VALUES, "beta": 4.0}),
        "ilql": Recipe(100, {**VALUES, "beta": 16.0, "expectile": 0.95, "return_steps": 400, "target_every": 40}),
        "lm_ppo": Recipe(20, {**ONLINE, "learning_rate": 2e-4, "reward_scale": 0.1, "kl_weight": 0.1}, own=64),
        "lm_online_filtered_bc": Recipe(20, {**ONLINE, "updates": 10, "pool": 256, "share": 0.3}, own=64),
    },
    settings=tuple({"start": start} for start in range(len(STARTS))),
    games=32,
)
PLANS = (
    *(MAZE, TABLETOP, TEXT_NAV, WORDLE, ENDGAMES),
    *(MAZE_PARTIAL, TEXTWORLD, CHESS, TWENTY_QUESTIONS, GUESS_CITY, CAR_DEALER),
)
PARTS = tuple(plan.task for plan in PLANS)
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
QUICK_LEARNERS = ("lm_bc", "lm_mc", "ilql")
WITHIN = 2.0
"""Moves by which ILQL may miss the optimum of the maze."""
ORDERS: Mapping[str, Sequence[Sequence[str]]] = {
    "maze": [("ilql", "lm_mc", "lm_filtered_bc", "lm_bc")],
    "tabletop_dialogue": [("ilql", "lm_bc")],
    "wordle": [("lm_mc", "lm_bc"), ("ilql", "lm_bc")],
    "chess_endgames": [("lm_ppo", offline) for offline in ("ilql", "lm_mc", "lm_filtered_bc", "lm_bc")],
}
"""Learners of a task from the best to the worst; of several such lists each has to hold."""


def measure(quick: bool, work: Path) -> Figures:
    """Train every learner on every task and seed; quick: BC, MC and ILQL on one seed of the maze.

    A finished run leaves files in ``work`` and is not made again.

    Returns:
        ``<task>.<learner>.raw``, ``.score`` and ``.success`` of an evaluation, and ``.seconds`` of CPU, over seeds;
        ``<task>.anchor.lowest``, ``.average`` and ``.highest``, the returns of scores 0, 50 and 100, the last that of
        the best player; ``maze.optimal``, the best mean return; ``maze.q_error_to_value_iteration``, the mean distance
        of ILQL's values from those of tabular value iteration, also over seeds, and ``maze.q_error.greatest``;
        ``maze.q_error_to_tabular_ilql``, that from where ILQL's equations end on the same data in tables, of the moves
        that the data have, over seeds; ``maze.tabular.<learner>``, the exact mean return of what the learner's
        equations give on the same data in tables, over seeds;
        ``<task>.ordering_holds`` and ``ordering_holds`` (1 or 0).

    Raises:
        VlmrlError: quick, and ILQL misses the optimum, or an ordering does not hold.
    """
    figures = together(measure_part(part, quick, work) for part in ((MAZE.task,) if quick else PARTS))
    if quick and not figures["ordering_holds"]:
        raws = {name: round(value, 2) for name, value in figures.items() if name.endswith("raw.mean")}
        raise VlmrlError(f"ILQL should come within {WITHIN:g} of {figures['maze.optimal']:g} and above all: {raws}")
    return figures


def measure_part(part: str, quick: bool, work: Path) -> Figures:
    """The figures of one task, as of :func:`measure`; quick: BC, MC and ILQL alone, on one seed."""
    plan = next(plan for plan in PLANS if plan.task == part)
    seeds = QUICK_SEEDS if quick else SEEDS
    learners = [learner for learner in plan.recipes if not quick or learner in QUICK_LEARNERS]
    by_seed = [{learner: run(plan, learner, seed, work) for learner in learners} for seed in seeds]
    figures = figures_of(plan, {learner: [of[learner] for of in by_seed] for learner in learners})
    if part == MAZE.task:
        figures |= _exact(seeds, work)
    return {**figures, **ordering(part, figures)}


def _exact(seeds: Sequence[int], work: Path) -> Figures:
    """The optimum of the maze, how far ILQL's values are from the true ones, and what tables would give."""
    figures: Figures = {"maze.optimal": optimal_return()}
    values = [values_of(weights(MAZE, "ilql", seed, work)) for seed in seeds]
    errors = [np.abs(of - exact_values()) for of in values]
    means = [float(of.mean()) for of in errors]
    figures |= {"maze.q_error_to_value_iteration": float(np.mean(means))}
    figures |= over_seeds("maze.q_error_to_value_iteration", means)
    figures["maze.q_error.greatest"] = max(float(of.max()) for of in errors)
    tables = [Tables.of(episodes(MAZE, seed)) for seed in seeds]
    figures |= over_seeds(
        "maze.q_error_to_tabular_ilql", [_to_tables(*both) for both in zip(values, tables, strict=True)]
    )
    return {**figures, **tabular_figures(MAZE, tables)}


def _to_tables(values: Floats, tables: Tables) -> float:
    """Mean distance of ILQL's values, float64 (25, 4), from where its equations end in tables, of moves of the data."""
    exact = tables.best(MAZE.recipes["ilql"].options["expectile"])[ROWS]
    return float(np.abs(values - exact)[tables.said[ROWS] > 0].mean())


def figures_of(plan: Plan, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figures:
    """The figures of one task's runs, by learner one record for each seed."""
    scale = game(plan.task).normalisation(plan.options)
    figures: Figures = {f"{plan.task}.anchor.{name}": value for name, value in asdict(scale).items()}
    for learner, of in records.items():
        name = f"{plan.task}.{learner}"
        figures |= over_seeds(f"{name}.raw", [one["raw"] for one in of])
        figures |= over_seeds(f"{name}.score", [scale.score(one["raw"]) for one in of])
        figures |= over_seeds(f"{name}.success", [one["success"] for one in of])
        figures[f"{name}.seconds"] = float(np.mean([one["seconds"] for one in of]))
    return figures


def tabular_figures(plan: Plan, tables: Sequence[Tables]) -> Figures:
    """What the learners would have without a model between them and the data of the maze, tables for each seed."""
    options = {name: recipe.options for name, recipe in plan.recipes.items()}
    beta = {name: options[name]["beta"] for name in ("lm_mc", "ilql")}
    found = [tabular_returns(of, beta, options["ilql"]["expectile"]) for of in tables]
    figures: Figures = {}
    for learner in found[0]:
        figures |= over_seeds(f"maze.tabular.{learner}", [of[learner] for of in found])
    return figures


def ordering(task: str, figures: Figures) -> Figures:
    """``<task>.ordering_holds``: its learners come in the order that is claimed, by mean returns; none: nothing is."""
    if task not in ORDERS:
        return {}
    raws = [[figures[name] for of in order if (name := f"{task}.{of}.raw.mean") in figures] for order in ORDERS[task]]
    pairs = (pair for order in raws for pair in pairwise(order))
    near = task != MAZE.task or figures["maze.ilql.raw.mean"] >= figures["maze.optimal"] - WITHIN
    return {f"{task}.ordering_holds": float(near and all(better > worse for better, worse in pairs))}
