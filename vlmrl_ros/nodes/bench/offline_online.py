"""One run from data to the robot, in process: a learner plug-in, fed and paced as the learner node does it.

Learns from what a scripted operator leaves behind, then from what its own policy lives through, and is judged on the
way, with and without its exploration.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.bridge.bags.compose import write_bag
from vlmrl_ros.bridge.bags.layout import episode_folder
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.interfaces import Policy, Task
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Mark, Step
from vlmrl_ros.nodes.bench.alone import lived_by_operator, step_alone
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET, rollout
from vlmrl_ros.sim.load import build as build_task


@dataclass(frozen=True)
class Protocol:
    """What every method of a comparison shares.

    Attributes:
        task: name of the task; its operator has the same name.
        task_options: of the task in which the policy acts.
        data_options: those in which the data differ.
        operator_options: of the operator who made the data.
        data_episodes: episodes of data.
        offline_updates: updates before the first step.
        online_steps: steps afterwards.
        publish_every: steps after which the policy acts with new weights.
        evaluate_every: steps between two evaluations; the first is before the first step.
        evaluation_episodes: of each evaluation, with exploration and without it.
    """

    task: str
    task_options: Mapping[str, Any]
    data_options: Mapping[str, Any]
    operator_options: Mapping[str, Any]
    data_episodes: int
    offline_updates: int
    online_steps: int
    publish_every: int = 10
    evaluate_every: int = 250
    evaluation_episodes: int = 50


def recorded(protocol: Protocol, seed: int) -> list[Step]:
    """Episodes that the operator drives, as steps of a policy: what it does is data like any other."""
    task = build_task(protocol.task, {**protocol.task_options, **protocol.data_options})
    steps = list(lived_by_operator(task, protocol.operator_options, protocol.data_episodes, seed))
    task.close()
    return steps


def bags_of(protocol: Protocol, seed: int, directory: Path) -> list[Step]:
    """The same, out of bags that are written where there are none yet: what a run can be given by ``offline:=``."""
    if not directory.exists():
        aside = directory.with_suffix(".part")
        shutil.rmtree(aside, ignore_errors=True)
        task = build_task(protocol.task, protocol.task_options)
        steps: list[Step] = []
        for step in recorded(protocol, seed):
            steps.append(step)
            if step.feedback.last:
                write_bag(episode_folder(aside, step.feedback.episode), steps, task.spec)
                steps = []
        task.close()
        aside.rename(directory)
    return list(read_steps([directory])[1])


def run(
    protocol: Protocol, learner: str, options: Mapping[str, Any], seed: int, data: Sequence[Step]
) -> dict[str, Any]:
    """Train one method on one seed.

    Args:
        protocol: what all methods share.
        learner: plug-in.
        options: of the plug-in.
        seed: of the learner and the episodes.
        data: what there is before the first step, :func:`recorded`.

    Returns:
        plain values: ``data`` (transitions and success of the data) and ``evaluations``, for each of them the step, the
        success without and with exploration, and the mean of each metric over the last ``evaluate_every`` updates.
    """
    task = build_task(protocol.task, protocol.task_options)
    builder = registry.load("learners", learner)
    config = from_mapping(builder.config_type, {"device": "cpu", **options}, learner)
    training = Training(builder.build(task.spec, config, stream(seed, "learner")), config.samples_per_insert)
    preload(training.learner, [data], everything=True)
    ends = [step.feedback.success for step in data if step.feedback.last]
    about = {"transitions": len(data) - len(ends), "success": float(np.mean(ends))}
    seen: list[Mapping[str, float]] = []
    evaluations: list[dict[str, Any]] = []
    for step in _phases(protocol, training, task, seed, seen):
        evaluations.append(
            {
                "step": step,
                **_judged(protocol, training, task, seed),
                "metrics": _means(seen[-protocol.evaluate_every :]),
            }
        )
        seen.clear()
    task.close()
    return {"learner": learner, "seed": seed, "data": about, "evaluations": evaluations}


def _phases(
    protocol: Protocol, training: Training, task: Task, seed: int, seen: list[Mapping[str, float]]
) -> Iterator[int]:
    """Learn from data, then live; stops at each step where an evaluation is due, and notes the metrics of updates."""
    for _ in range(protocol.offline_updates):
        training.pretrain()
        seen.append(training.metrics)
    yield 0
    for steps in _lived(protocol, training, task, seed, seen):
        if steps % protocol.evaluate_every == 0:
            yield steps
        if steps == protocol.online_steps:
            return


def _lived(
    protocol: Protocol, training: Training, task: Task, seed: int, seen: list[Mapping[str, float]]
) -> Iterator[int]:
    """Act with the newest weights and learn from each step; gives the number of transitions after each."""
    policy: Policy = registry.load("policies", "gaussian")(task.spec, {})
    own = build_task(protocol.task, protocol.task_options)  # evaluations come between the steps of an episode
    loop = Episodes(own, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed + 1)
    arrival, lived = loop.begin(), 0
    if training.updates:
        policy.load(training.learner.variables())
    while True:
        f = arrival.feedback
        if f.step == 0:
            policy.reset()
        action, _ = policy.act(arrival.observation, stream(seed, "policy", f.episode, f.step))
        applied, after = loop.advance(arrival, action, Mark.NONE)
        before = training.updates
        training.digest(step_alone(arrival, action, applied.action))
        if training.updates > before:
            seen.append(training.metrics)
        if training.steps > lived:
            lived = training.steps
            if lived % protocol.publish_every == 0 and training.updates:
                policy.load(training.learner.variables())
            yield lived
        arrival = after


def _judged(protocol: Protocol, training: Training, task: Task, seed: int) -> dict[str, float]:
    """Success of the newest actor, alone."""
    found = {}
    for name, explore in (("success", False), ("success_stochastic", True)):
        policy: Policy = registry.load("policies", "gaussian")(task.spec, {"weights": "actor", "explore": explore})
        policy.load(training.learner.variables())
        results = rollout(task, policy, protocol.evaluation_episodes, EVALUATION_SEED_OFFSET + seed)
        found[name] = float(np.mean([result.success for result in results]))
    return found


def _means(seen: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([metrics[name] for metrics in seen])) for name in (seen[0] if seen else ())}
