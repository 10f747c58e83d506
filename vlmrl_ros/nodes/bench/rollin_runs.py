"""The runs of the suite ``rollin``: each leaves a JSON file behind when it has finished, and is not made again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.bench.rollin_loop import CurriculumLoop, Setup
from vlmrl_ros.nodes.bench.rollin_tabular import Tabular, train

METHODS: Mapping[str, Mapping[str, Any]] = {
    "rollin": {"beta": 0.1},
    "rollin_half": {"beta": 0.5},
    "warm": {"beta": 0.0},
    "none": {"stages": 1},
}
"""ROLLIN with a tenth and with half of the episodes rolled in; the same curriculum without roll-in, where a stage only
starts with the weights of the one before; none."""
LEARNER, DISCOUNT = "rlpd", 0.97
LEARNER_OPTIONS = {
    "hidden": [64, 64],
    "critics": 2,
    "critic_updates": 1,
    "batch_size": 256,
    "samples_per_insert": 128.0,
    "min_steps": 200,
    "learning_rate": 1e-3,
    "discount": DISCOUNT,
    "temperature": 0.1,
    "entropy_backup": True,
    "device": "cpu",
}
"""Without anybody's data ``rlpd`` is soft actor-critic with normalised critics. One gradient step for two steps."""


@dataclass(frozen=True)
class Scenario:
    """A continuous task with its curriculum.

    Attributes:
        setup: what is trained.
        steps: budget in environment steps, roll-ins included.
    """

    setup: Setup
    steps: int

    def of(self, method: str) -> Scenario:
        """The same with the curriculum of a method."""
        options = {**self.setup.curriculum_options, **METHODS[method]}
        return replace(self, setup=replace(self.setup, curriculum_options=options))


SCENARIOS: Mapping[str, Scenario] = {
    name: Scenario(Setup(task, LEARNER, {}, LEARNER_OPTIONS, {"stages": 4, "discount": DISCOUNT}), steps=8000)
    for name, task in {"maze": "point_maze", "velocity": "velocity_window"}.items()
}


def continuous(work: Path, task: str, method: str, seed: int, steps: int = 0) -> Result:
    """One run of a scenario.

    Args:
        work: where finished runs lie.
        task: key of :data:`SCENARIOS`.
        method: key of :data:`METHODS`.
        seed: of everything.
        steps: another budget than the scenario's.

    Returns:
        ``solved``, ``steps``, ``switches`` (steps at which stages were solved), ``visitation`` at each
        switch, ``wall_s``.
    """
    scenario = SCENARIOS[task].of(method)
    scenario = replace(scenario, steps=steps or scenario.steps)
    about = {**asdict(scenario), "seed": seed}
    return remembered(work / f"{task}_{method}_{seed}.json", about, lambda: _live(scenario, seed))


def tabular(work: Path, run: Tabular, seed: int) -> Result:
    """One run on the grid; the fields of :class:`~vlmrl_ros.nodes.bench.rollin_tabular.Outcome`."""
    name = f"tabular_k{run.goals - 1}_a{run.alpha}_b{run.beta}_h{run.horizon}_{run.accounting}_{seed}.json"
    return remembered(work / name, {**asdict(run), "seed": seed}, lambda: asdict(train(run, seed)))


def _live(scenario: Scenario, seed: int) -> Result:
    started_s = time.monotonic()
    loop = CurriculumLoop(scenario.setup, seed)
    curriculum = loop.learner.curriculum
    switches: list[int] = []
    visitation: list[Mapping[str, float]] = []
    while loop.training.steps < scenario.steps and curriculum.solved < 1:
        before, stage = curriculum.solved, curriculum.stage
        loop.episode()
        if curriculum.solved > before:
            switches.append(loop.training.steps)
        if curriculum.stage > stage:
            visitation.append(loop.learner.switch)
    return {
        "solved": curriculum.solved,
        "steps": loop.training.steps,
        "switches": switches,
        "visitation": visitation,
        "wall_s": time.monotonic() - started_s,
    }
