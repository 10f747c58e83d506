"""A run in parts: what the parts leave behind is what one run leaves behind, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.disk import file_size_limit

from vlmrl_ros.core.checkpoint import read_checkpoint
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.nodes.plan import identify

HALF, WHOLE = 30, 60
FLEET = ("arm_0", "arm_1")


def live(made, steps, *, end: bool = True):
    """Live through the steps until the run is finished; returns how many that were."""
    run = made.run
    run.begin()
    run.recover(lambda: False)
    count = 0
    for step in (s for s in steps if s.stamp_ns > run.newest_ns[0]):
        if run.finished:
            break
        run.digest(step, lambda: True)
        count += 1
    if end:
        run.end(lambda: False)
        made.directory.close()
    return count


def killed(made, steps, count: int):
    """Live through so many steps and vanish: nothing is concluded, and the lock is gone with the process."""
    run = made.run
    run.begin()
    run.recover(lambda: False)
    for step in steps[:count]:
        run.digest(step, lambda: True)
    run._collect(wait=True)
    made.directory.close()


def hashes(path: Path) -> dict[str, str]:
    """Of every file of the last checkpoint, the loop's own ones included."""
    summary = json.loads((path / "summary.json").read_text())
    return read_checkpoint(Path(summary["checkpoint"]))["sha256"]


@pytest.fixture(scope="module")
def undisturbed(make_run, lived, tmp_path_factory):
    """A run in one piece."""
    made = make_run(tmp_path_factory.mktemp("runs") / "whole", max_steps=WHOLE)
    live(made, lived)
    return made


def test_a_run_ends_with_the_episode_in_which_its_steps_are_reached(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", max_steps=HALF)
    count = live(made, lived)
    assert lived[count - 1].feedback.last
    assert made.run.training.steps >= HALF
    assert made.run.training.log.records[-2].online_steps < HALF


def test_two_halves_end_in_the_checkpoint_of_the_whole_hash_for_hash(make_run, lived, tmp_path, undisturbed):
    path = tmp_path / "run"
    first = make_run(path, max_steps=HALF)
    live(first, lived)
    second = make_run(path, max_steps=WHOLE, resume=True)
    assert live(second, lived) > 20
    assert hashes(path) == hashes(undisturbed.run.path)
    assert second.run.summary["checkpoint_sha256"] == undisturbed.run.summary["checkpoint_sha256"]
    assert second.run.training.log.records == undisturbed.run.training.log.records
    assert second.run.summary["wall_s"] > read_checkpoint(Path(first.run.summary["checkpoint"]))["wall_s"]
    assert len(list((path / "tensorboard").glob("events.*"))) == 2, "the curves go on"


def test_weights_go_on_with_the_version_that_the_policy_had(make_run, lived, tmp_path, undisturbed):
    path = tmp_path / "run"
    first = make_run(path, max_steps=HALF)
    live(first, lived)
    second = make_run(path, max_steps=WHOLE, resume=True)
    live(second, lived)
    again, last = second.published[0], first.published[-1]
    assert (again.version, again.step) == (last.version, last.step)
    for name, value in last.variables.items():
        assert (again.variables[name] == value).all()
    whole = [(w.version, w.step) for w in undisturbed.published]
    assert [(w.version, w.step) for w in (*first.published, *second.published[1:])] == whole


@pytest.mark.parametrize("count", [12, 37, 52, 63, 71])
def test_a_killed_run_learns_from_its_bags_what_came_after_the_checkpoint(
    make_run, lived, tmp_path, undisturbed, count
):
    """Each step is learned from once: from the checkpoint, from the bags, or live."""
    path = tmp_path / "run"
    killed(make_run(path, max_steps=WHOLE), lived, count)
    second = make_run(path, lived=lived[: count - 2], max_steps=WHOLE, resume=True)
    live(second, lived)
    assert hashes(path) == hashes(undisturbed.run.path)
    assert second.run.training.log.records == undisturbed.run.training.log.records


def test_a_killed_fleet_learns_from_the_bags_of_each_arm_what_came_after_the_checkpoint(
    make_run, lived, lived_beside, tmp_path
):
    """The recorder of one arm is a few steps ahead of the learner, that of the other a few behind."""
    steps = [pair for both in zip(lived, lived_beside, strict=False) for pair in enumerate(both)]
    plan = {"max_steps": WHOLE, "arms": FLEET}
    whole = make_run(tmp_path / "whole", **plan)
    whole.run.begin()
    live_on(whole, steps)
    first = make_run(tmp_path / "run", **plan)
    first.run.begin()
    for arm, step in steps[:50]:
        first.run.digest(step, lambda: True, arm)
    first.run._collect(wait=True)
    first.directory.close()
    second = make_run(tmp_path / "run", lived[:28], lived_beside[:28], resume=True, **plan)
    second.run.begin()
    second.run.recover(lambda: False)
    assert second.run.newest_ns == (lived[27].stamp_ns, lived_beside[27].stamp_ns)
    live_on(second, [(arm, step) for arm, step in steps if step.stamp_ns > second.run.newest_ns[arm]])
    assert hashes(tmp_path / "run") == hashes(tmp_path / "whole")
    assert second.run.summary["arms"] == whole.run.summary["arms"]


def live_on(made, steps):
    """Live through the steps of a fleet until the run is finished."""
    for arm, step in steps:
        if made.run.finished:
            break
        made.run.digest(step, lambda: True, arm)
    made.run.end(lambda: False)
    made.directory.close()


def test_a_damaged_checkpoint_is_passed_over_and_the_bags_make_up_for_it(make_run, lived, tmp_path, undisturbed):
    path = tmp_path / "run"
    killed(make_run(path, max_steps=WHOLE), lived, 90)
    newest = sorted((path / "checkpoints").iterdir(), key=lambda p: int(p.name[5:]))[-1]
    victim = newest / "learner" / "tensors.safetensors"
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x00\x01")
    second = make_run(path, lived=lived[:90], max_steps=WHOLE, resume=True)
    live(second, lived)
    assert any("is damaged: learner/tensors.safetensors" in line for line in second.said)
    assert hashes(path) == hashes(undisturbed.run.path)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_with_its_bags(make_run, lived, tmp_path, undisturbed):
    path = tmp_path / "run"
    killed(make_run(path, max_steps=WHOLE), lived, 5)
    second = make_run(path, lived=lived[:5], max_steps=WHOLE, resume=True)
    live(second, lived)
    assert any("no whole checkpoint yet" in line for line in second.said)
    assert hashes(path) == hashes(undisturbed.run.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learner": "bc"}, "its learner is 'rlif', not 'bc'"),
        ({"seed": 5}, "its seed is '0', not '5'"),
        ({"arms": FLEET}, "its num_arms is '1', not '2'"),
        ({"options": {"batch_size": 8}}, "its rlif.batch_size is 16, not 8"),
    ],
    ids=["learner", "seed", "arms", "options"],
)
def test_another_run_is_refused_by_what_differs_and_left_as_it_is(make_run, lived, tmp_path, changes, message):
    path = tmp_path / "run"
    live(make_run(path, max_steps=HALF), lived)
    before = (path / "summary.json").read_bytes()
    made = make_run(path, resume=True, **changes)
    with pytest.raises(RunDirectoryError, match=message):
        made.run.begin()
    made.directory.close()
    assert (path / "summary.json").read_bytes() == before


def test_another_task_is_refused(make_run, lived, tmp_path, task):
    path = tmp_path / "run"
    live(make_run(path, max_steps=HALF), lived)
    made = make_run(path, resume=True)
    plain = json.loads(task.spec.to_json())
    other = TaskSpec.from_json(json.dumps(plain | {"horizon": 7}))
    with pytest.raises(RunDirectoryError, match="its task 'reach' has another horizon"):
        identify(made.run.plan, other, made.directory)


def test_the_device_may_change(make_run, lived, tmp_path):
    path = tmp_path / "run"
    live(make_run(path, max_steps=HALF), lived)
    made = make_run(path, resume=True)
    made.run.plan.options["device"] = "cuda"
    made.run.begin()
    made.run.end(lambda: True)


def test_only_the_newest_checkpoints_and_the_best_are_kept(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", max_steps=WHOLE, checkpoint_every=5, keep_checkpoints=2)
    live(made, lived)
    left = [int(p.name[5:]) for p in (made.run.path / "checkpoints").iterdir()]
    assert 2 <= len(left) <= 3
    assert max(left) == made.run.training.steps


def test_a_full_disk_is_told_of_and_training_goes_on_and_tries_again(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", max_steps=WHOLE, checkpoint_every=5)
    run = made.run
    run.begin()
    steps = iter(lived)
    with file_size_limit(2000):
        while run.training.steps < 12:
            run.digest(next(steps), lambda: True)
        run._collect(wait=True)
    assert any("could not be written" in text and "too large" in text for text in made.problems)
    assert list((run.path / "checkpoints").iterdir()) == []
    for step in steps:
        if run.finished:
            break
        run.digest(step, lambda: True)
    run.end(lambda: False)
    assert made.problems[-1] == ""
    assert read_checkpoint(Path(run.summary["checkpoint"]))["step"] == run.training.steps


def test_a_run_whose_last_checkpoint_cannot_be_written_says_so_and_keeps_the_one_before(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", max_steps=HALF, checkpoint_every=10)
    run = made.run
    run.begin()
    run.digest(lived[0], lambda: True)
    for step in lived[1:]:
        if run.finished:
            break
        run.digest(step, lambda: True)
    run._collect(wait=True)
    folder, away = run.path / "checkpoints", run.path / "away"
    kept = {p.name for p in folder.iterdir()}
    run._checkpoints._asked_at = ()
    folder.rename(away)
    folder.write_text("no folder")
    with pytest.raises(RunDirectoryError, match="could not be written"):
        run.end(lambda: False)
    assert {p.name for p in away.iterdir()} == kept
