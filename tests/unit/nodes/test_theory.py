from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.nodes.bench.references import write_reference
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET, load_policy, rollout
from vlmrl_ros.nodes.theory import check_reference

GAMMA = 0.97
RLIF = SimpleNamespace(discount=GAMMA)


def lived_through(made, steps):
    made.run.begin()
    for step in steps:
        if not made.run.finished:
            made.run.digest(step, lambda: True)
    made.run.end(lambda: False)
    return made


@pytest.fixture(scope="module")
def reference(task, tmp_path_factory):
    """A checkpoint of a learner that values the task's reward."""
    return str(write_reference(tmp_path_factory.mktemp("reference"), task.spec))


def test_a_run_with_a_reference_logs_the_terms_of_the_bound(make_run, lived, task, reference, tmp_path):
    made = lived_through(make_run(tmp_path / "run", reference=reference, eval_task="reach"), lived)
    theory = made.run.summary["theory"]
    results = rollout(task, load_policy(Path(reference), task.spec), 2, EVALUATION_SEED_OFFSET, GAMMA)
    assert theory["v_ref"] == sum(result.value for result in results) / 2
    demonstrated = [step for step in lived if step.feedback.episode == 0]
    assert theory["v_exp"] == pytest.approx(sum(GAMMA**n * s.feedback.reward for n, s in enumerate(demonstrated[1:])))
    assert 0 < theory["takeover_rate"] < 1
    assert 0 < theory["epsilon"] <= 1
    assert made.run.summary["evaluations"][0]["step"] > 0, "the reference is none of the run's checkpoints"
    board = EventAccumulator(str(made.run.path / "tensorboard")).Reload()
    assert {"theory/v_exp", "theory/epsilon"} <= set(board.Tags()["scalars"])


def test_without_a_reference_what_needs_one_is_absent(make_run, lived, tmp_path):
    made = lived_through(make_run(tmp_path / "run", max_steps=30), lived)
    assert made.run.summary["theory"].keys() == {"v_exp"}


def test_a_run_that_goes_on_keeps_what_people_drove(make_run, lived, tmp_path):
    first = lived_through(make_run(tmp_path / "run", max_steps=30), lived)
    first.directory.close()
    begun = make_run(tmp_path / "run", resume=True).run
    begun.begin()
    begun.end(lambda: True)
    assert begun.summary["theory"] == first.run.summary["theory"]


def test_what_is_no_reference_is_refused_in_one_line(task, reference, tmp_path):
    check_reference("", object())
    check_reference(reference, RLIF)
    with pytest.raises(ConfigError, match="has no discount"):
        check_reference(reference, object())
    with pytest.raises(CheckpointError, match="'nowhere' is not a checkpoint"):
        check_reference("nowhere", RLIF)
    with pytest.raises(CheckpointError, match="is of the learner 'rlif'; valid: rlpd, hil_serl"):
        check_reference(str(write_reference(tmp_path, task.spec, "rlif")), RLIF)
