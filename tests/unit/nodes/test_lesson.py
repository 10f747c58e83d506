from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.nodes.bench.alone import operator_alone
from vlmrl_ros.nodes.bench.lesson import Classroom, Lesson, take
from vlmrl_ros.policies.reference import Judge, JudgementConfig, Reference
from vlmrl_ros.sim.load import build as build_task

SMALL = {"hidden": [16, 16], "batch_size": 32, "critics": 2, "samples_per_insert": 64.0, "critic_updates": 1}
SHORT = Lesson(
    task="reach",
    learner_options=SMALL,
    steps=160,
    demonstrations=2,
    judge_every=80,
    episodes=3,
    final_episodes=3,
    task_options={"horizon": 40},
)


def taught(lesson: Lesson) -> tuple[Classroom, str]:
    classroom = Classroom(lesson)
    classroom.teach()
    weights = b"".join(value.tobytes() for _, value in sorted(classroom.training.learner.variables().items()))
    return classroom, hashlib.sha256(weights).hexdigest()


def test_two_lessons_with_one_seed_end_in_the_same_weights_and_others_do_not():
    assert taught(SHORT)[1] == taught(SHORT)[1] != taught(replace(SHORT, seed=1))[1]


def test_a_lesson_has_its_demonstrations_its_steps_and_takeovers():
    classroom, _ = taught(SHORT)
    records = classroom.training.log.records
    assert classroom.training.demonstrations == 2
    assert classroom.training.steps >= 160
    assert records[-1].online_steps == classroom.training.steps
    assert sum(record.takeovers for record in records) > 0


def test_a_late_person_leaves_the_policy_more_steps_before_each_takeover():
    def until_first_takeover(delay: int) -> int:
        lesson = replace(SHORT, operator_options={"reaction_steps": delay}, demonstrations=0)
        classroom = Classroom(lesson)
        arrival = classroom.begin()
        for step in range(40):
            arrival = classroom.step(arrival)
            if classroom.newest.intervention.edge:
                return step
        raise AssertionError("no takeover")

    assert until_first_takeover(4) - until_first_takeover(0) == 4


def test_an_outcome_that_is_there_is_not_made_again_unless_another_was_asked_for(tmp_path: Path):
    first = take(SHORT, "run", tmp_path)
    written = (tmp_path / "run.json").stat().st_mtime_ns
    assert repr(take(SHORT, "run", tmp_path)) == repr(first)
    assert (tmp_path / "run.json").stat().st_mtime_ns == written
    older = json.loads((tmp_path / "run.json").read_text())
    del older["lesson"]["judgement"]
    (tmp_path / "run.json").write_text(json.dumps(older))
    assert repr(take(SHORT, "run", tmp_path)) == repr(first), "of a version that had fewer things to ask for"
    assert json.loads((tmp_path / "run.json").read_text()) == older
    written = (tmp_path / "run.json").stat().st_mtime_ns
    take(replace(SHORT, seed=1), "run", tmp_path)
    assert (tmp_path / "run.json").stat().st_mtime_ns > written


def test_dagger_lives_on_advice():
    cloning = {"hidden": [16, 16], "batch_size": 32, "samples_per_insert": 64.0}
    lesson = replace(SHORT, learner="dagger", learner_options=cloning, operator_options={"trigger": "never"})
    silent = Classroom(replace(lesson, demonstrations=0))
    advised = Classroom(replace(lesson, demonstrations=0, operator_options={"trigger": "never", "advises": True}))
    for classroom in (silent, advised):
        classroom.teach()
    assert silent.training.updates == 0 < advised.training.updates


def test_a_reference_tells_a_good_action_from_a_bad_one_and_its_judge_takes_over(tmp_path: Path):
    classroom, _ = taught(SHORT)
    classroom.save(tmp_path)
    task = build_task("reach", {"horizon": 40})
    reference = Reference(tmp_path, task.spec)
    observation = classroom.newest.observation
    rng, arrived = np.random.default_rng(0), classroom.newest.feedback
    best = reference.action(observation)
    others = [rng.uniform(-0.1, 0.1, 3).astype(np.float32) for _ in range(50)]
    worst = min(others, key=lambda action: reference.value(observation, action))
    gap = reference.value(observation, best) - reference.value(observation, worst)
    assert gap > 0

    def wrong(action, delta: float) -> bool:
        config = JudgementConfig(beta=1.0, delta=delta)
        return Judge(tmp_path, task.spec, config, seed=0).is_wrong(observation, action, arrived)

    assert not wrong(best, 0.0), "as good as the reference"
    assert wrong(worst, gap / 2)
    assert not wrong(worst, gap * 2)
    judged = replace(SHORT, reference=str(tmp_path), judgement={"beta": 0.5}, operator_options={"trigger": "judged"})
    assert sum(record.takeovers for record in taught(judged)[0].training.log.records) > 0


def test_a_lesson_with_an_unknown_option_names_the_valid_ones():
    with pytest.raises(UnknownNameError, match="return_steps"):
        Classroom(replace(SHORT, learner_options={"patience": 3}))
    with pytest.raises(ConfigError, match="beta"):
        Classroom(replace(SHORT, judgement={"beta": 2.0}))


def test_a_person_alone_is_judged_over_whole_episodes():
    task = build_task("reach", {"horizon": 40})
    alone = operator_alone(task, {"bias_x_mm": 0.0, "bias_y_mm": 0.0, "bias_z_mm": 0.0}, 10, discount=0.97)
    idle = operator_alone(task, {"gain_per_s": 0.0, "action_noise": 0.0}, 10, discount=0.97)
    assert alone.success > 0.5 > idle.success == 0.0
    assert alone.value > idle.value == 0.0
