"""Learners of a curriculum on a toy, and what they live through."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.curricula.agents import CurriculumLearner
from vlmrl_ros.policies.curricula.rollin import build
from vlmrl_ros.policies.learners.rlpd.builder import Builder as Rlpd

SMALL = {"batch_size": 16, "hidden": [8, 8], "capacity": 500, "min_steps": 8, "critic_updates": 1, "device": "cpu"}
CURRICULUM = {"stages": 3, "beta": 0.5, "window": 2, "discount": 0.8}
PACE = 16.0


def learner_of(spec: TaskSpec, seed: int = 0, builder: type = Rlpd) -> CurriculumLearner:
    known = {field.name for field in dataclasses.fields(builder.config_type)}
    options = from_mapping(builder.config_type, {name: value for name, value in SMALL.items() if name in known})
    return CurriculumLearner(spec, build(spec, CURRICULUM), lambda rng: builder.build(spec, options, rng), PACE, seed)


def live(learner: CurriculumLearner, number: int, success: bool = True) -> tuple[EpisodePlan, list[Transition]]:
    """An episode of the toy, by the learner's plan."""
    plan = learner.plan(number)
    items = list(chained(number, 12 + plan.extra_steps, success, plan))
    for item in items:
        learner.add(item)
    return plan, items


def chained(number: int, length: int, success: bool, plan: EpisodePlan) -> Iterator[Transition]:
    rng = np.random.default_rng(number)
    before = step(number, 0, length, success, plan, rng)
    for k in range(1, length + 1):
        after = step(number, k, length, success, plan, rng)
        yield Transition(before, after)
        before = after


def step(number: int, k: int, length: int, success: bool, plan: EpisodePlan, rng: np.random.Generator) -> Step:
    action = rng.uniform(-0.1, 0.1, 2).astype(np.float32)
    return Step(
        stamp_ns=(number * 1000 + k) * 10**8,
        observation={"state": rng.uniform(-0.2, 0.2, 3).astype(np.float32)},
        feedback=Feedback(float(rng.normal()), False, k == length, success and k == length, number, k, 0, plan),
        policy_action=action,
        command=action,
        executed=action,
        intervention=Intervention(False, False, 0.0, Source.POLICY),
    )


def until_rolled_in(learner: CurriculumLearner, first: int = 0) -> int:
    """Live until a rolled-in episode is planned; its number."""
    number = first
    while not learner.plan(number).rolled_in:
        live(learner, number, success=learner.curriculum.stage == 0)
        number += 1
    return number


def stored(learner: object) -> int:
    return len(learner._memory)


def digest(learner: CurriculumLearner, directory: Path) -> str:
    directory.mkdir()
    save_snapshot(directory, learner.snapshot())
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    named = (str(path.relative_to(directory)).encode() + path.read_bytes() for path in files)
    return hashlib.sha256(b"".join(named)).hexdigest()
