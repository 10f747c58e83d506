"""A curriculum in the learner node: what it announces, and that its bags hold all that it goes on from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from fakes.bags import write_bag
from fakes.steps import DT_NS, step

from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import read_checkpoint
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.episode_plan import Role
from vlmrl_ros.core.errors import ConfigError, RunDirectoryError, UnknownNameError
from vlmrl_ros.core.interfaces import ContextualTask
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Mark, Step
from vlmrl_ros.nodes.bench.alone import step_alone
from vlmrl_ros.nodes.curriculum import next_plan, with_curriculum
from vlmrl_ros.nodes.learning_run import LearningRun
from vlmrl_ros.nodes.plan import Plan, Ties
from vlmrl_ros.policies.curricula.agents import CurriculumLearner
from vlmrl_ros.sim.load import build

HORIZON, HALF, WHOLE = 8, 60, 150
LEARNER = {
    "hidden": [8], "batch_size": 8, "critic_updates": 1, "critics": 2, "samples_per_insert": 1.0, "min_steps": 20,
    "capacity": 2000, "device": "cpu",
}  # fmt: skip
CURRICULUM = {"stages": 12, "beta": 0.6, "window": 1, "threshold": 0.0, "discount": 0.8}
BUILDER = registry.load("learners", "rlpd")
OPTIONS = from_mapping(BUILDER.config_type, LEARNER)


@pytest.fixture(scope="module")
def maze() -> ContextualTask:
    return build("point_maze", {"horizon": HORIZON, "speed_m_s": 5.0})


def learner_of(maze: ContextualTask, name: str = "rollin", **given: object) -> CurriculumLearner:
    return with_curriculum(name, {**CURRICULUM, **given}, maze.spec, BUILDER, OPTIONS, 3, nullcontext)


def made_run(path: Path, maze: ContextualTask, max_steps: int, bags: Iterable[Step] = (), **given: object):
    learner, lived = learner_of(maze, **given), list(bags)
    plan = Plan(
        "rlpd", to_mapping(OPTIONS), "gaussian", 3, max_steps, 1.0, 10, 40, 3, "", {}, 1, 0, bool(lived),
        curriculum="rollin", curriculum_options=learner.curriculum.options,
    )  # fmt: skip
    ties = Ties(
        publish=lambda weights: None,
        lived=lambda arm, after_ns: [step for step in lived if step.stamp_ns > after_ns],
        given=list,
        say=lambda text: None,
        problem=lambda text: None,
    )
    directory = RunDirectory(path, bool(lived))
    if not lived:
        directory.write_text("config.yaml", "")
    return LearningRun(plan, learner, maze.spec, directory, ties), learner, directory


def live(run: LearningRun, learner: CurriculumLearner, maze: ContextualTask, stop_at: int) -> list[Step]:
    """Live by what is announced, at random, as bridge and policy do, up to a step of learning or the end of the run."""
    loop = Episodes(maze, SafetyFilter(maze.spec.action, maze.spec.control_dt_s), 0)
    bounds = maze.spec.action
    newest, lived = run.training.chains[0].newest, []
    stamp_ns = newest.stamp_ns if newest else 0
    said = next_plan(learner, newest, stamp_ns, first=True)
    arrival = loop.go_on(stamp_ns + loop.dt_ns, said.episode, said.plan)
    while run.training.steps < stop_at and not run.finished:
        f = arrival.feedback
        action = stream(0, "policy", f.episode, f.step).uniform(bounds.low, bounds.high).astype(np.float32)
        applied, after = (loop.rest(), None) if f.last else loop.advance(arrival, action, Mark.NONE)
        lived.append(step_alone(arrival, action, applied.action))
        run.digest(lived[-1], lambda: True)
        said = next_plan(learner, run.training.chains[0].newest, arrival.stamp_ns, first=False)
        assert (said is not None) == f.last
        arrival = after or loop.begin(said.plan)
    return lived


def ended(run: LearningRun, directory: RunDirectory) -> dict[str, str]:
    """Hashes of every file of the last checkpoint."""
    run.end(lambda: False)
    directory.close()
    return read_checkpoint(Path(run.summary["checkpoint"]))["sha256"]


@pytest.fixture(scope="module")
def whole(maze, tmp_path_factory):
    """A run in one piece, and what it lived."""
    run, learner, directory = made_run(tmp_path_factory.mktemp("runs") / "whole", maze, WHOLE)
    run.begin()
    lived = live(run, learner, maze, 10**6)
    return run.path, ended(run, directory), lived


def test_the_run_meets_every_kind_of_step_in_several_contexts(whole):
    lived = whole[2]
    assert {s.feedback.plan.role(s.feedback.step) for s in lived} == set(Role)
    assert len({s.feedback.plan.context for s in lived}) > 2
    assert all(s.observation["state"][2] == pytest.approx(s.feedback.plan.context) for s in lived)


@pytest.mark.parametrize("half", [HALF, HALF + 3], ids=["checkpoint", "amid"])
def test_a_run_that_was_killed_goes_on_from_its_bags_to_the_checkpoint_of_the_whole(half, whole, maze, tmp_path):
    first, learner, directory = made_run(tmp_path / "run", maze, WHOLE)
    first.begin()
    lived = live(first, learner, maze, half)
    first._collect(wait=True)
    directory.close()  # killed: nothing is concluded
    rest = whole[2][len(lived) :]
    second, _, directory = made_run(tmp_path / "run", maze, WHOLE, recorded(lived, maze, tmp_path))
    second.begin()
    second.recover(lambda: False)
    for of_live in rest:
        second.digest(of_live, lambda: True)
    assert ended(second, directory) == whole[1]


def test_after_a_whole_episode_a_resumed_run_lives_on_as_the_whole_did(whole, maze, tmp_path):
    first, learner, directory = made_run(tmp_path / "run", maze, HALF)
    first.begin()
    lived = live(first, learner, maze, 10**6)
    ended(first, directory)
    second, learner, directory = made_run(tmp_path / "run", maze, WHOLE, lived)
    second.begin()
    second.recover(lambda: False)
    lived += live(second, learner, maze, 10**6)
    assert [s.feedback for s in lived] == [s.feedback for s in whole[2]]
    assert ended(second, directory) == whole[1]


def test_bags_alone_rebuild_the_replay_of_both_agents(whole, maze, tmp_path):
    live_one, from_bags = (Training(learner_of(maze), 1.0) for _ in range(2))
    for of_live in whole[2]:
        live_one.digest(of_live)
    for of_bag in recorded(whole[2], maze, tmp_path):
        from_bags.digest(of_bag)
    assert len(from_bags.learner.explorer._memory) > 0
    for agent in ("main", "explorer"):
        mine, other = (getattr(training.learner, agent)._memory for training in (live_one, from_bags))
        assert len(mine) == len(other)
    assert from_bags.learner.curriculum.state() == live_one.learner.curriculum.state()


def recorded(steps: list[Step], maze: ContextualTask, root: Path) -> list[Step]:
    """The steps as a bag for each episode gives them back."""
    for number, episode in groupby(steps, lambda s: s.feedback.episode):
        write_bag(root / "bags", list(episode), maze.spec)
        assert number >= 0
    return list(read_steps([root / "bags"])[1])


def test_a_run_of_another_curriculum_is_not_the_same_run(whole, maze):
    run, _, directory = made_run(whole[0], maze, WHOLE, whole[2], beta=0.1)
    with pytest.raises(RunDirectoryError, match=r"its rollin\.beta is 0\.6, not 0\.1"):
        run.begin()
    directory.close()


def test_a_step_that_was_given_up_may_have_been_the_last_of_its_episode(maze):
    learner, newest = learner_of(maze), step(4, 2)
    assert next_plan(learner, newest, newest.stamp_ns, first=False) is None
    said = next_plan(learner, newest, newest.stamp_ns + DT_NS, first=False)
    assert (said.episode, said.after_ns) == (5, newest.stamp_ns + DT_NS)
    assert said.plan == learner.plan(5)


def test_what_cannot_be_a_curriculum_is_refused(maze):
    with pytest.raises(UnknownNameError, match=r"'rolling'.*rollin"):
        learner_of(maze, "rolling")
    with pytest.raises(UnknownNameError, match="'gamma'"):
        learner_of(maze, gamma=0.5)
    with pytest.raises(ConfigError, match="'pick_lift' has no context"):
        learner_of(build("pick_lift", {}))
