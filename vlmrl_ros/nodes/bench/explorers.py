"""A bandit inside training: TRUST says which checkpoint acts while CQL goes on from data to the robot.

CQL unlearns in its first steps online (:mod:`~vlmrl_ros.nodes.bench.calql`), and a robot that acts with its newest
weights fails meanwhile. Here the checkpoints so far are arms, and training episodes their trials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.interfaces import Policy, Task, Variables
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.bench.alone import step_alone
from vlmrl_ros.nodes.bench.calql import CONSERVATIVE, MAZE, SHARED
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.offline_online import recorded
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET, rollout
from vlmrl_ros.policies.learners.bandit.explorers import Explorers
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.sim.load import build as build_task

LEARNER = "cql"
CHECKPOINT_EVERY = 100
EPISODES = 50
SEEDS, QUICK_SEEDS = (20, 21, 22), (20,)


def measure(quick: bool, work: Path) -> Figures:
    """Let the newest weights act, and those that TRUST draws, on equal data; quick: one seed.

    A finished run leaves a file in ``work`` and is not made again.

    Returns:
        ``training.<newest|trust>.lived``, over seeds: success of the training episodes, in which actions are sampled;
        ``.lived_first``, of the first quarter of the steps; ``.success``, of the newest weights at the end, alone;
        ``training.gain``, by how much ``lived`` is higher with TRUST, paired by seed.
    """
    work.mkdir(parents=True, exist_ok=True)
    seeds = QUICK_SEEDS if quick else SEEDS
    rows = {method: [_once(work, method, seed) for seed in seeds] for method in ("newest", "trust")}
    figures: Figures = {}
    for method, of in rows.items():
        for name in ("lived", "lived_first", "success"):
            figures |= over_seeds(f"training.{method}.{name}", [row[name] for row in of])
    gains = [ours["lived"] - theirs["lived"] for ours, theirs in zip(rows["trust"], rows["newest"], strict=True)]
    return figures | over_seeds("training.gain", gains)


def _once(work: Path, method: str, seed: int) -> Result:
    options = {**SHARED, **CONSERVATIVE}
    about = {"protocol": asdict(MAZE), "options": options, "every": CHECKPOINT_EVERY, "episodes": EPISODES}
    about |= {"method": method, "seed": seed}
    return remembered(work / f"explorers_{method}_{seed}.json", about, lambda: run(method, seed))


def run(method: str, seed: int) -> dict[str, float]:
    """Learn from data, then live; see :func:`measure` for what comes out."""
    task = build_task(MAZE.task, MAZE.task_options)
    builder = registry.load("learners", LEARNER)
    config = from_mapping(builder.config_type, {"device": "cpu", **SHARED, **CONSERVATIVE}, LEARNER)
    training = Training(builder.build(task.spec, config, stream(seed, "learner")), config.samples_per_insert)
    preload(training.learner, [recorded(MAZE, seed)], everything=True)
    for _ in range(MAZE.offline_updates):
        training.pretrain()
    explorers = Explorers(TrustConfig(), stream(seed, "explorers")) if method == "trust" else None
    ends = list(_lived(training, task, seed, _Actors(explorers)))
    policy: Policy = registry.load("policies", "gaussian")(task.spec, {"explore": False})
    policy.load(training.learner.variables())
    results = rollout(task, policy, EPISODES, EVALUATION_SEED_OFFSET + seed)
    task.close()
    first = [success for step, success in ends if step <= MAZE.online_steps // 4]
    return {
        "lived": float(np.mean([success for _, success in ends])),
        "lived_first": float(np.mean(first)),
        "success": float(np.mean([result.success for result in results])),
    }


@dataclass
class _Actors:
    """Whose weights act: the newest, or those of the checkpoint that was chosen for the episode."""

    explorers: Explorers | None
    checkpoints: list[Variables] = field(default_factory=list)
    arm: int = 0

    def keep(self, variables: Variables) -> None:
        if self.explorers is not None:
            self.checkpoints.append(variables)
            self.explorers.add()

    def begin(self, policy: Policy) -> None:
        if self.explorers is not None:
            self.arm = self.explorers.choose()
            policy.load(self.checkpoints[self.arm])

    def end(self, success: bool) -> None:
        if self.explorers is not None:
            self.explorers.record(self.arm, float(success))

    def publish(self, policy: Policy, variables: Variables) -> None:
        if self.explorers is None:
            policy.load(variables)


def _lived(training: Training, task: Task, seed: int, actors: _Actors) -> Iterator[tuple[int, bool]]:
    """Act and learn from each step; gives the number of steps and the success at the end of each episode."""
    policy: Policy = registry.load("policies", "gaussian")(task.spec, {})
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed + 1)
    arrival = loop.begin()
    policy.load(training.learner.variables())
    actors.keep(training.learner.variables())
    while training.steps < MAZE.online_steps:
        f = arrival.feedback
        if f.step == 0:
            policy.reset()
            actors.begin(policy)
        action, _ = policy.act(arrival.observation, stream(seed, "policy", f.episode, f.step))
        applied, after = loop.advance(arrival, action, Mark.NONE)
        before = training.steps
        training.digest(step_alone(arrival, action, applied.action))
        if training.steps > before and training.steps % MAZE.publish_every == 0:
            actors.publish(policy, training.learner.variables())
        if training.steps > before and training.steps % CHECKPOINT_EVERY == 0:
            actors.keep(training.learner.variables())
        if f.last:
            actors.end(f.success)
            yield training.steps, f.success
        arrival = after
