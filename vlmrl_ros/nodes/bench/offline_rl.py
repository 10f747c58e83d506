"""Offline RL with known logging policies: what is made of 30 checkpoints of one learner and one rollout of each.

TRUST, the best lower bound and the best return choose among the checkpoints; CQL learns a policy of its own from the
same rollouts. The true value of each is its mean return in fresh episodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.interfaces import Policy, Task, Variables
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.bench.alone import lived_by_policy
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lesson import Classroom, Lesson
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET, rollout
from vlmrl_ros.policies.learners.bandit.advice import more_trials
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, evidence_of
from vlmrl_ros.policies.learners.bandit.rules import greedy, lcb, uniform
from vlmrl_ros.policies.learners.bandit.selection import Selection
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import trust
from vlmrl_ros.sim.load import build as build_task

TASK, LEARNER = "reach", "rlif"
TASK_OPTIONS = {"horizon": 40}
"""Twice what the way across the whole range takes; with more, most of the time would go to policies that fail."""
LIGHT = {"critics": 2, "critic_updates": 2, "samples_per_insert": 512.0}
CHECKPOINTS, EVERY = 30, 50
"""How many checkpoints, and how many steps apart."""
TRIALS = (1, 5)
"""Rollouts of each checkpoint; one is the protocol, with more the advice is put to the test."""
EPISODES = 50
CONFIG = TrustConfig()
CQL = {
    "device": "cpu",
    "hidden": [64, 64],
    "batch_size": 128,
    "min_steps": 128,
    "sampled_actions": 4,
    "max_backup": False,
    "temperature": 1.0,
}
CQL_UPDATES = 2000
SEEDS, QUICK_SEEDS = tuple(range(7)), (0,)
RIVALS = ("greedy", "lcb", "uniform", "cql")
_TRIED, _FRESH = 2 * EVALUATION_SEED_OFFSET, 3 * EVALUATION_SEED_OFFSET


def measure(quick: bool, work: Path) -> Figures:
    """Train, try, choose and judge on every seed; quick: one seed.

    A finished seed leaves a file in ``work`` and is not made again.

    Returns:
        ``offline_rl.<learner>.value``, over seeds: true mean return as a share of the greatest, of TRUST, LCB, greedy,
        uniform and CQL, and of the checkpoint that is truly best (``best``); ``.certificate`` of those that have one;
        ``offline_rl.trust.margin``, by how much TRUST is above the best of the others on the mean, paired by seed, and
        ``offline_rl.trust_is_best`` (1 or 0); ``offline_rl.advises_more_trials``, the share of seeds in which the
        selector does so; ``offline_rl.coverage``, the share of TRUST's certificates that hold; the same after five
        rollouts of each as ``offline_rl.trials5.*``.
    """
    work.mkdir(parents=True, exist_ok=True)
    return figures_of([_once(work, seed) for seed in (QUICK_SEEDS if quick else SEEDS)])


def figures_of(records: Sequence[Mapping[str, Any]]) -> Figures:
    """The figures of finished seeds; see :func:`measure`."""
    figures: Figures = {}
    for trials in TRIALS:
        prefix = "offline_rl" if trials == 1 else f"offline_rl.trials{trials}"
        rows = [_chosen(record, trials) for record in records]
        for name in rows[0]:
            figures |= over_seeds(f"{prefix}.{name}", [row[name] for row in rows])
        rivals = [name for name in RIVALS if f"{name}.value" in rows[0]]
        best = max(rivals, key=lambda name: figures[f"{prefix}.{name}.value.mean"])
        margins = [row["trust.value"] - row[f"{best}.value"] for row in rows]
        figures |= over_seeds(f"{prefix}.trust.margin", margins)
        figures[f"{prefix}.trust_is_best"] = float(np.mean(margins) > 0)
        held = [row["trust.value"] >= row["trust.certificate"] for row in rows]
        figures[f"{prefix}.coverage"] = float(np.mean(held))
        figures[f"{prefix}.advises_more_trials"] = float(
            np.mean([bool(more_trials(_evidence(record, trials))) for record in records])
        )
    return figures


def _chosen(record: Mapping[str, Any], trials: int) -> dict[str, float]:
    """True value and certificate of what each rule makes of the first rollouts.

    Returns are often equal: the rules then share the choice among the best, which is worth their mean.
    """
    evidence, delta = _evidence(record, trials), CONFIG.delta
    selections: dict[str, Selection] = {
        "trust": trust(evidence, CONFIG, stream(record["seed"], "trust")),
        "lcb": lcb(evidence, delta),
        "greedy": greedy(evidence, delta),
        "uniform": uniform(evidence, delta),
    }
    values = np.array(record["values"])
    found = {"best.value": float(values.max())}
    for name, selection in selections.items():
        found[f"{name}.value"] = float(values @ selection.mixture)
        found[f"{name}.certificate"] = selection.certificate
    return found if trials > 1 else {**found, "cql.value": record["cql"]}


def _evidence(record: Mapping[str, Any], trials: int) -> Evidence:
    returns = np.array(record["returns"])[:, :trials]
    return evidence_of(returns.mean(1), np.full(len(returns), trials), np.array(CONFIG.sigma))


def _once(work: Path, seed: int) -> Result:
    about = {
        "task": [TASK, TASK_OPTIONS],
        "learner": [LEARNER, LIGHT, CHECKPOINTS, EVERY],
        "cql": [CQL, CQL_UPDATES],
        "episodes": [TRIALS, EPISODES],
        "seed": seed,
    }
    return remembered(work / f"offline_rl_{seed}.json", about, lambda: _record(seed))


def _record(seed: int) -> dict[str, Any]:
    """Train a learner, try its checkpoints, learn from the first rollouts, and judge all in fresh episodes."""
    checkpoints, options = trained(seed)
    task = build_task(TASK, TASK_OPTIONS)
    judge = _Judge(task, seed)
    policies = [_policy(task, variables, options) for variables in checkpoints]
    rollouts = [_tried(task, policy, _TRIED + len(policies) * seed + arm) for arm, policy in enumerate(policies)]
    learned = _cql(task, [episodes[0] for episodes in rollouts], seed)
    found = {
        "seed": seed,
        "returns": [[judge.share(episode) for episode in episodes] for episodes in rollouts],
        "values": [judge.value(policy) for policy in policies],
        "cql": judge.value(learned),
    }
    task.close()
    return found


@dataclass(frozen=True)
class _Judge:
    """Returns as shares of the greatest: every step from success to the end is worth 1."""

    task: Task
    seed: int

    @property
    def greatest(self) -> float:
        return 1.0 + float(self.task.options["post_success_steps"])

    def share(self, episode: Sequence[Step]) -> float:
        return sum(step.feedback.reward for step in episode) / self.greatest

    def value(self, policy: Policy) -> float:
        """True value, in the same fresh episodes for all of a seed."""
        results = rollout(self.task, policy, EPISODES, _FRESH + self.seed)
        return float(np.mean([result.task_return for result in results])) / self.greatest


def lesson(seed: int) -> Lesson:
    """What the checkpoints are left by."""
    return Lesson(
        learner=LEARNER,
        learner_options=LIGHT,
        task=TASK,
        task_options=TASK_OPTIONS,
        seed=seed,
        steps=CHECKPOINTS * EVERY,
    )


def trained(seed: int) -> tuple[list[Variables], Mapping[str, Any]]:
    """The checkpoints that a learner leaves on its way, and the options with which they act alone."""
    classroom = Classroom(lesson(seed))
    learner, arrival = classroom.training.learner, classroom.begin()
    checkpoints: list[Variables] = []
    while len(checkpoints) < CHECKPOINTS:
        arrival = classroom.step(arrival)
        if classroom.training.steps >= EVERY * (len(checkpoints) + 1):
            checkpoints.append(dict(learner.variables()))
    return checkpoints, dict(learner.evaluation_options)


def _policy(task: Task, variables: Variables, options: Mapping[str, Any]) -> Policy:
    policy: Policy = registry.load("policies", "gaussian")(task.spec, options)
    policy.load(variables)
    return policy


def _tried(task: Task, policy: Policy, seed: int) -> list[list[Step]]:
    """The steps of each trial."""
    episodes: list[list[Step]] = [[] for _ in range(max(TRIALS))]
    for step in lived_by_policy(task, policy, len(episodes), seed):
        episodes[step.feedback.episode].append(step)
    return episodes


def _cql(task: Task, episodes: Sequence[Sequence[Step]], seed: int) -> Policy:
    """What CQL learns from the rollouts alone."""
    builder = registry.load("learners", "cql")
    learner = builder.build(task.spec, from_mapping(builder.config_type, CQL, "cql"), stream(seed, "learner"))
    preload(learner, episodes, everything=True)
    for _ in range(CQL_UPDATES):
        learner.update()
    return _policy(task, learner.variables(), {"explore": False})
