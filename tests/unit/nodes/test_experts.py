"""Experts: how they are trained, told apart and take over, and what the suite ``rlif`` makes of them."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.nodes.bench import experts, ordering, rlif_experts
from vlmrl_ros.nodes.bench.experts import Candidate, Course, candidates, levels
from vlmrl_ros.nodes.bench.rlif_experts import DOMAINS, METHODS, Domain, lesson_of, takeover_rate
from vlmrl_ros.policies.expert import Expert, ExpertConfig, seen
from vlmrl_ros.sim.load import build as build_task

TINY = {"hidden": [8], "batch_size": 16, "samples_per_insert": 16.0, "min_steps": 16, "layer_norm": True}
COURSE = Course("gym:InvertedPendulum-v5", 90, 30, {"horizon": 15}, TINY, episodes=2)
SMALL = {"hidden": [8], "batch_size": 16, "samples_per_insert": 16.0, "min_steps": 16}
DOMAIN = Domain("pole", COURSE, 0.0, 15.0, steps=20, demonstrations=1, episodes=1, seeds=1)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished course, for reading only."""
    directory = tmp_path_factory.mktemp("school")
    candidates(COURSE, directory)
    return directory


def made_up(*scores: float) -> list[Candidate]:
    return [Candidate(Path(f"step_{index}"), index, score) for index, score in enumerate(scores)]


def test_a_level_is_the_candidate_nearest_to_its_share_of_the_best():
    found = levels(made_up(1.0, 19.0, 30.0, 52.0, 88.0, 100.0, 21.0, 50.0))
    assert {level: candidate.step for level, candidate in found.items()} == {"strong": 4, "medium": 7, "weak": 1}
    assert levels(made_up(-90.0, -52.0, -12.0, 0.0), zero=-100.0)["weak"].step == 0


@pytest.mark.parametrize("scores", [(100.0, 20.0), (90.0, 95.0, 100.0), (-3.0, -2.0, -1.0)])
def test_levels_that_are_not_one_better_than_the_other_are_refused(scores):
    with pytest.raises(ConfigError, match="one better than the other"):
        levels(made_up(*scores))


def test_a_course_goes_on_from_its_checkpoint_and_keeps_what_is_there(school: Path, tmp_path: Path):
    directory = tmp_path / "school"
    shutil.copytree(school, directory)
    before = {path.name: path.stat().st_mtime_ns for path in directory.glob("step_*")}
    assert [candidate.step for candidate in candidates(replace(COURSE, steps=150), directory)] == [30, 60, 90, 120, 150]
    assert {name: (directory / name).stat().st_mtime_ns for name in before} == before
    assert [candidate.step for candidate in candidates(COURSE, directory)] == [30, 60, 90]
    assert len(list((directory / "training").glob("step_*"))) == 1
    with pytest.raises(ConfigError, match="holds the course"):
        candidates(replace(COURSE, seed=5), directory)


def test_a_course_of_an_earlier_version_is_the_same_course(school: Path, tmp_path: Path):
    directory = tmp_path / "school"
    shutil.copytree(school, directory)
    about = json.loads((directory / "course.json").read_text())
    del about["judged_by"]
    (directory / "course.json").write_text(json.dumps(about))
    assert len(candidates(COURSE, directory)) == 3
    with pytest.raises(ConfigError, match="holds the course"):
        candidates(replace(COURSE, judged_by="success"), directory)


def test_two_who_need_one_expert_at_once_make_one(tmp_path: Path):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: candidates(COURSE, tmp_path), range(2))
    assert [candidate.step for candidate in first] == [30, 60, 90]
    assert first == second


def test_a_course_that_was_cut_short_ends_as_one_that_was_not(school: Path, tmp_path: Path):
    candidates(replace(COURSE, steps=30), tmp_path)
    candidates(COURSE, tmp_path)
    for name in ("step_30", "step_90"):
        weights = [(where / name / "policy.safetensors").read_bytes() for where in (school, tmp_path)]
        assert weights[0] == weights[1]


def person(school: Path, **habits) -> Expert:
    task = build_task(COURSE.task, COURSE.task_options)
    return Expert(school / "step_60", task.spec, ExpertConfig(**habits))


def pressed(expert: Expert, steps: int, wrong: bool, demonstrate: bool = False) -> list[bool]:
    """Whether they hold control at each step of an episode."""
    expert.reset(np.random.default_rng(0), demonstrate)
    task = build_task(COURSE.task, COURSE.task_options)
    scene = seen(task.spec, task.reset(np.random.default_rng(0)).observation)
    held: list[bool] = []
    for step in range(steps):
        held.append(expert.intent(Glance(scene, step, False, False, bool(held and held[-1]), wrong)).takeover)
    return held


def test_a_judge_takes_over_when_an_action_is_wrong_and_holds_on_for_so_many_steps(school: Path):
    assert pressed(person(school, hold_steps=3), 9, wrong=True) == [False, *[True] * 3, False, *[True] * 3, False]
    assert not any(pressed(person(school), 50, wrong=False))


def test_takeovers_at_random_have_their_rate_and_do_not_judge(school: Path):
    held = pressed(person(school, trigger="random", takeover_rate=0.1, hold_steps=4), 4000, wrong=True)
    assert np.mean(held) == pytest.approx(0.4 / 1.4, abs=0.03)
    assert takeover_rate(float(np.mean(held)), 4) == pytest.approx(0.1, abs=0.015)
    assert takeover_rate(1.0, 4) == takeover_rate(0.9, 4) == 1.0


def test_a_demonstration_is_driven_throughout_and_advice_is_not_a_takeover(school: Path):
    assert all(pressed(person(school, trigger="never"), 9, wrong=True, demonstrate=True))
    adviser, task = person(school, trigger="never", advises=True), build_task(COURSE.task, COURSE.task_options)
    observation = task.reset(np.random.default_rng(3)).observation
    intent = adviser.intent(Glance(seen(task.spec, observation), 1, False, False, False, wrong=True))
    assert (intent.takeover, intent.advises) == (False, True)
    assert intent.action == pytest.approx(adviser._reference.action(observation))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_method_has_the_same_budget_and_differs_in_learner_and_habits_alone(domain: Domain):
    one, other = made_up(20.0, 100.0)
    lessons = [lesson_of(domain, method, one, other, seed=3) for method in METHODS]
    same = {"learner": "", "learner_options": {}, "operator_options": {}, "reference": "", "judgement": {}}
    assert all(replace(lesson, **same) == replace(lessons[0], **same) for lesson in lessons)
    assert lessons[0].steps == domain.steps > 0 < lessons[0].demonstrations


def test_rlif_must_win_by_20_points_and_pass_its_teacher():
    score = {("rlif_value", "weak"): 0.9, ("hg_dagger", "weak"): 0.69}
    assert ordering.holds(score, {"weak": 0.5}, "rlif_value")
    assert not ordering.holds(score, {"weak": 0.91}, "rlif_value")
    assert not ordering.holds({**score, ("hg_dagger", "weak"): 0.71}, {"weak": 0.5}, "rlif_value")


def test_a_whole_task_is_measured_and_not_measured_twice(school: Path, monkeypatch, tmp_path: Path):
    home = tmp_path / "experts" / DOMAIN.name
    shutil.copytree(school, home)
    for step, score in ((30, 2.0), (60, 5.0), (90, 9.0)):  # so little training makes no levels of its own
        (home / f"step_{step}" / experts._ABOUT).write_text(json.dumps({"step": step, "score": score}))
    rlif_options = {**SMALL, "critics": 2, "critic_updates": 1, "min_steps": 1}
    options = {"rlif_value": rlif_options, "rlif_random": rlif_options}
    cloning = {key: SMALL[key] for key in ("hidden", "batch_size", "samples_per_insert", "min_steps")}
    small = {name: (m[0], options.get(name, cloning), m[2]) for name, m in METHODS.items()}
    monkeypatch.setattr(rlif_experts, "METHODS", small)
    monkeypatch.setattr(experts, "SHARES", {"strong": 1.0, "medium": 0.5, "weak": 0.2})
    figures = rlif_experts.measure_domain(DOMAIN, tmp_path, quick=False)
    for level in ("strong", "medium", "weak"):
        assert all(0.0 < figures[f"pole.{level}.{method}.score.mean"] <= 1.0 for method in METHODS)
        own = [figures[f"pole.{level}.operator.score.{end}"] for end in ("low", "mean", "high")]
        assert own == sorted(own)
    lessons = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("pole_*.json")}
    assert len(lessons) == len(METHODS) * 3
    share = lessons["pole_rlif_value_weak_s0"]["outcome"]["human_share"]
    assert share > 0
    assert lessons["pole_rlif_random_weak_s0"]["lesson"]["operator_options"]["takeover_rate"] == takeover_rate(share, 4)
    taken = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("pole_*.json")}
    assert rlif_experts.measure_domain(DOMAIN, tmp_path, quick=False) == figures
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("pole_*.json")} == taken
