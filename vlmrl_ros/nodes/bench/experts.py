"""Experts for the benchmarks: our own SAC on a task, and what it could do on the way as people of several levels.

Training is in process and goes on from its newest checkpoint; every so often its weights are kept as a candidate.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import (
    LEARNER_FOLDER,
    POLICY_FILE,
    checkpoints_in,
    newest_whole,
    remove_checkpoint,
    remove_partial,
    write_checkpoint,
)
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.interfaces import Policy
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.snapshot import Part, below, save_snapshot
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.bench.alone import policy_alone, step_alone
from vlmrl_ros.nodes.bench.remembered import with_defaults
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET
from vlmrl_ros.policies.reference import Reference
from vlmrl_ros.sim.load import build as build_task

LEARNER = "sac"
WEIGHTS = "tensors.safetensors"
"""The file of a learner's snapshot in which its networks are."""
SHARES: Mapping[str, float] = {"strong": 0.9, "medium": 0.5, "weak": 0.2}
"""Levels of people, the best first, by the part of the best score reached."""
_ABOUT, _COURSE, _LOCK = "candidate.json", "course.json", ".lock"
_PUBLISH_EVERY = 10


@dataclass(frozen=True)
class Course:
    """How an expert is trained.

    Attributes:
        task: name of the task.
        task_options: deviations from its defaults.
        learner_options: deviations from those of SAC.
        steps: to live through.
        judge_every: steps between two candidates.
        episodes: in which each is judged.
        judged_by: their score: ``value``, the mean return, or ``success``.
        seed: of all randomness.
    """

    task: str
    steps: int
    judge_every: int
    task_options: Mapping[str, Any] = field(default_factory=dict)
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    episodes: int = 50
    judged_by: str = "value"
    seed: int = 1000


@dataclass(frozen=True)
class Candidate:
    """Weights on the way and the score of their episodes; ``directory`` can be read as a reference."""

    directory: Path
    step: int
    score: float


def candidates(course: Course, directory: Path) -> list[Candidate]:
    """Train as far as the course goes; what is there is not made again, and what another process makes is waited for.

    Args:
        course: how.
        directory: where training and candidates are kept.

    Raises:
        ConfigError: the directory holds another course; one that differs in ``steps`` alone goes on.
        CheckpointError: what is there is damaged.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / _LOCK, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _claim(course, directory)
        found = _found(directory)
        if not found or found[-1].step < course.steps:
            _School(course, directory).go_on()
            found = _found(directory)
    return [candidate for candidate in found if candidate.step <= course.steps]


def levels(found: Sequence[Candidate], zero: float = 0.0) -> dict[str, Candidate]:
    """The candidate for each level: the one whose score is nearest to its share of the best.

    Args:
        found: in any order.
        zero: score from which shares are counted.

    Raises:
        ConfigError: there are no three that are one better than the other.
    """
    best = best_of(found)
    aims = {level: zero + share * (best.score - zero) for level, share in SHARES.items()}
    chosen = {level: min(found, key=lambda candidate: abs(candidate.score - aim)) for level, aim in aims.items()}
    scores = [candidate.score for candidate in chosen.values()]
    if best.score <= zero or sorted(set(scores), reverse=True) != scores:
        raise ConfigError(f"experts with scores {scores} of {best.score:g}; needed: one better than the other")
    return chosen


def best_of(found: Sequence[Candidate]) -> Candidate:
    """The candidate with the best score."""
    return max(found, key=lambda candidate: candidate.score)


class _School:
    """One expert in training: acts with the newest weights, learns from each step, leaves candidates."""

    def __init__(self, course: Course, directory: Path) -> None:
        self._course, self._directory = course, directory
        self._task, self._exam = (build_task(course.task, course.task_options) for _ in range(2))
        builder, spec = registry.load("learners", LEARNER), self._task.spec
        options = from_mapping(builder.config_type, course.learner_options, LEARNER)
        learner = builder.build(spec, options, stream(course.seed, "learner"))
        self._training = Training(learner, options.samples_per_insert)
        self._policy: Policy = registry.load("policies", options.policy)(spec, {})
        self._episodes = Episodes(self._task, SafetyFilter(spec.action, spec.control_dt_s), course.seed)

    def go_on(self) -> None:
        """Live through what is left of the course; it is checkpointed where an episode ends."""
        arrival, training, every = self._arrive(), self._training, self._course.judge_every
        kept = training.steps // every
        while kept * every < self._course.steps:
            ended = arrival.feedback.last
            arrival = self._step(arrival)
            if ended and training.steps // every > kept:
                kept = training.steps // every
                self._keep(kept * every)
                self._publish()  # as one who goes on from here
        self._task.close()
        self._exam.close()

    def _arrive(self) -> Arrival:
        """The first step, or that of the episode after the newest checkpoint."""
        folder = self._directory / "training"
        remove_partial(folder)
        problems: list[str] = []
        newest = newest_whole(folder, problems.append)
        if newest is None:
            if problems:
                raise CheckpointError("; ".join(problems))
            return self._episodes.begin()
        self._training.restore(newest[0].path)
        self._publish()
        last = self._training.chains[0].newest
        if last is None:
            raise CheckpointError(f"'{newest[0].path}' holds no step")
        return self._episodes.go_on(last.stamp_ns + self._episodes.dt_ns, last.feedback.episode + 1)

    def _step(self, arrival: Arrival) -> Arrival:
        feedback = arrival.feedback
        rng = stream(self._course.seed, "policy", feedback.episode, feedback.step)
        if feedback.step == 0:
            self._policy.reset()
        action, _ = self._policy.act(arrival.observation, rng)
        applied, following = self._episodes.advance(arrival, action, Mark.NONE)
        self._training.digest(step_alone(arrival, action, applied.action))
        if self._training.updates and self._training.steps % _PUBLISH_EVERY == 0:
            self._publish()
        return following

    def _publish(self) -> None:
        if self._training.updates:
            self._policy.load(self._training.learner.variables())

    def _keep(self, step: int) -> None:
        """A candidate, then a checkpoint of the training, so that after a kill no candidate is missing."""
        self._candidate(step)
        folder = self._directory / "training"
        contents = {name: part.copy() for name, part in self._training.snapshot().items()}
        stored = write_checkpoint(folder, self._training.steps, contents, {}, None)
        for path in checkpoints_in(folder):
            if path != stored.path:
                remove_checkpoint(path)

    def _candidate(self, step: int) -> None:
        final = self._directory / f"step_{step}"
        aside = final.with_suffix(".part")
        for stale in (aside, final):
            shutil.rmtree(stale, ignore_errors=True)
        aside.mkdir()
        learner = self._training.learner
        variables = dict(learner.variables())
        weights = {WEIGHTS: learner.snapshot()[WEIGHTS]}
        save_snapshot(aside, {POLICY_FILE: Part(lambda: lambda: [save(variables)]), **below(LEARNER_FOLDER, weights)})
        policy, course = Reference(aside, self._task.spec).policy, self._course
        judged = policy_alone(self._exam, policy, course.episodes, seed=EVALUATION_SEED_OFFSET + course.seed)
        score = getattr(judged, course.judged_by)
        write_whole(aside / _ABOUT, json.dumps({"step": step, "score": score}) + "\n")
        aside.rename(final)


def _claim(course: Course, directory: Path) -> None:
    """Note whose directory it is."""
    path, own = directory / _COURSE, json.loads(json.dumps(asdict(course)))
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if {**with_defaults(found, Course), "steps": 0} != {**own, "steps": 0}:
            raise ConfigError(f"'{directory}' holds the course {found}; asked for: {own}")
    write_whole(path, json.dumps(own, indent=1) + "\n")


def _found(directory: Path) -> list[Candidate]:
    """What has been kept, in order."""
    kept = checkpoints_in(directory)
    said = [json.loads((path / _ABOUT).read_text(encoding="utf-8")) for path in kept]
    return [Candidate(path, about["step"], about["score"]) for path, about in zip(kept, said, strict=True)]
