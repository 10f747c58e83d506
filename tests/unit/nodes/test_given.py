"""What a run is given before its first step, and a run that lives through nothing but that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.bags import write_bag
from safetensors.numpy import load_file

from vlmrl_ros.bridge.bags.reader import read_streams
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import BagError, ConfigError, RunDirectoryError
from vlmrl_ros.nodes.bench.bag_replay import replay_equal
from vlmrl_ros.nodes.given import checked_bags, offline_spec

STEPS = 40


@pytest.fixture(scope="module")
def bags(lived, task, tmp_path_factory):
    """The steps that were lived, as a recorder leaves them."""
    root = tmp_path_factory.mktemp("given")
    for number in range(8):
        write_bag(root, [step for step in lived if step.feedback.episode == number], task.spec)
    return root


def offline(make_run, path, bags, *, steps=STEPS, resume=False):
    given = read_streams([bags])[1]
    made = make_run(path, given=given, data=(str(bags),), offline=True, max_steps=steps, resume=resume)
    made.run.begin()
    return made


def rehearse(made, steps: int) -> None:
    while made.run.training.steps < steps:
        made.run.rehearse(lambda: True)


def end(made):
    made.run.end(lambda: False)
    made.directory.close()
    return made.run.summary


def hashes(summary) -> dict[str, str]:
    return read_checkpoint(Path(summary["checkpoint"]))["sha256"]


def test_a_run_with_given_demonstrations_learns_as_one_that_was_shown_them(make_run, lived, task, tmp_path):
    """Only the first episode is a demonstration."""
    shown = [step for step in lived if step.feedback.episode == 0]
    rest = [step for step in lived if step.feedback.episode > 0]
    write_bag(tmp_path / "bags", shown, task.spec)
    live = make_run(tmp_path / "live", max_steps=STEPS)
    given = make_run(tmp_path / "given", given=[shown], data=(str(tmp_path / "bags"),), max_steps=STEPS)
    summaries = []
    for made, steps in ((live, lived), (given, rest)):
        made.run.begin()
        for step in steps:
            made.run.digest(step, lambda: True)
            if made.run.finished:
                break
        summaries.append(end(made))
    one, other = (hashes(summary) for summary in summaries)
    rows = [name for name in one if name.startswith("learner/") and name.endswith((".npy", "tensors.safetensors"))]
    assert any(name.startswith("learner/prior/rows") for name in rows)
    assert {name: one[name] for name in rows} == {name: other[name] for name in rows}
    assert summaries[1]["given"]["demonstrations"] == 1
    assert summaries[1]["demonstrations"] == 0
    assert any("1 demonstrations given" in line for line in given.said)


def test_a_run_without_a_robot_makes_the_updates_that_its_steps_are_worth(make_run, bags, tmp_path):
    made = offline(make_run, tmp_path / "run", bags)
    rehearse(made, STEPS)
    assert made.run.finished
    training, samples_per_insert = made.run.training, 16
    assert training.updates == STEPS * samples_per_insert // training.learner.samples_per_update > 5
    summary = end(made)
    assert summary["steps"] == STEPS
    assert summary["given"]["other_transitions"] > 50
    assert [w.step for w in made.published] == [1, 10, 20, 30, 40]
    assert {p.name for p in (made.run.path / "checkpoints").iterdir()} == {"step_25", "step_40"}
    assert replay_equal(made.run.path)


def test_two_halves_without_a_robot_end_in_the_checkpoint_of_the_whole(make_run, bags, tmp_path):
    whole = offline(make_run, tmp_path / "whole", bags)
    rehearse(whole, STEPS)
    first = offline(make_run, tmp_path / "halves", bags, steps=STEPS // 2)
    rehearse(first, STEPS // 2)
    end(first)
    second = offline(make_run, tmp_path / "halves", bags, resume=True)
    assert second.run.training.steps == STEPS // 2
    rehearse(second, STEPS)
    summaries = end(whole), end(second)
    assert hashes(summaries[0]) == hashes(summaries[1])
    assert summaries[0]["given"] == summaries[1]["given"]


def test_a_run_is_resumed_with_what_it_was_given(make_run, bags, tmp_path):
    made = offline(make_run, tmp_path / "run", bags, steps=5)
    rehearse(made, 5)
    end(made)
    again = make_run(tmp_path / "run", resume=True)
    with pytest.raises(RunDirectoryError, match=r"its offline is \['.*'\], not None"):
        again.run.begin()


def test_an_offline_phase_comes_before_the_first_step_and_has_its_own_checkpoint(make_run, bags, lived, tmp_path):
    given = read_streams([bags])[1]
    plan = {"given": given, "data": (str(bags),), "offline": True, "offline_updates": 30, "max_steps": STEPS}
    made = make_run(tmp_path / "run", **plan)
    run = made.run
    run.begin()
    while run.pretraining:
        run.pretrain()
    assert (run.training.updates, run.training.steps, run.version) == (30, 0, 1)
    offline = {name: value.copy() for name, value in run.training.learner.variables().items()}
    run.recover(lambda: False)
    assert [w.step for w in made.published] == [0]
    for step in lived:
        run.digest(step, lambda: True)
        if run.finished:
            break
    summary = end(made)
    assert summary["given"]["other_transitions"] > 50
    assert (summary["offline_updates"], summary["steps"] >= STEPS, summary["updates"] > 30) == (30, True, True)
    policy = load_file(tmp_path / "run/checkpoints/step_0" / POLICY_FILE)
    assert all(np.array_equal(policy[name], value) for name, value in offline.items())
    assert "offline: 30 of 30 updates" in made.said


def test_a_run_goes_on_after_its_offline_phase_without_repeating_it(make_run, bags, lived, tmp_path):
    plan = {"data": (str(bags),), "offline": True, "offline_updates": 30}
    summaries = []
    for name, parts in {"whole": (STEPS,), "halves": (STEPS // 2, STEPS)}.items():
        rest = list(lived)
        for number, most in enumerate(parts):
            given = read_streams([bags])[1]
            made = make_run(tmp_path / name, given=given, **plan, max_steps=most, resume=number > 0)
            made.run.begin()
            assert made.run.pretraining is (number == 0)
            while made.run.pretraining:
                made.run.pretrain()
            while not made.run.finished:
                made.run.digest(rest.pop(0), lambda: True)
            summary = end(made)
        summaries.append(summary)
    assert hashes(summaries[0]) == hashes(summaries[1])


def test_a_learner_that_cannot_begin_with_its_bags_has_no_offline_phase(make_run, lived, tmp_path):
    plan = {"given": [lived[:10]], "data": ("/some/bags",), "offline": True, "offline_updates": 30}
    with pytest.raises(BagError, match="learner 'rlif' cannot begin with what '/some/bags' hold"):
        make_run(tmp_path / "run", **plan).run.begin()


def test_bags_without_a_demonstration_or_with_too_little_are_refused_and_nothing_has_begun(make_run, lived, tmp_path):
    others = [step for step in lived if step.feedback.episode > 0]
    made = make_run(tmp_path / "one", given=[others], data=("/some/bags",))
    with pytest.raises(BagError, match=r"no demonstration in '/some/bags': 0 failed, .* transitions of other episodes"):
        made.run.begin()
    assert not made.run.began
    made = make_run(tmp_path / "two", given=[lived[:10]], data=("/some/bags",), offline=True)
    cure = r"and 0 others; give more, .* bags of a run, in which a policy acted; or .* demonstrations:= instead"
    with pytest.raises(BagError, match=f"learner 'rlif' cannot begin with what '/some/bags' hold: .*{cure}"):
        made.run.begin()


def test_what_cannot_be_given_is_named(bags, tmp_path):
    assert checked_bags([str(bags)], [], 0, []) == (str(bags),)
    assert checked_bags([], [str(bags)], 5, ["left", "right"]) == (str(bags),)
    with pytest.raises(BagError, match="nowhere' is no bag, run directory or folder of bags"):
        checked_bags([], [str(tmp_path / "nowhere")], 0, [])
    with pytest.raises(ConfigError, match="demonstrations among them; leave out demonstrations"):
        checked_bags([str(bags)], [str(bags)], 5, [])
    with pytest.raises(ConfigError, match="offline_updates is 5, but offline names no bags"):
        checked_bags([str(bags)], [], 5, [])
    with pytest.raises(ConfigError, match="without a robot; leave out arms"):
        checked_bags([], [str(bags)], 0, ["left", "right"])
    with pytest.raises(
        ConfigError, match="the bags are of task 'reach', but eval_task is 'peg_insert'; take task:=reach"
    ):
        offline_spec([str(bags)], "peg_insert")
    with pytest.raises(BagError, match="no bags in"):
        offline_spec([str(tmp_path)], "")


def test_a_replay_that_its_bags_do_not_give_is_told(make_run, lived, task, tmp_path):
    made = make_run(tmp_path / "run", max_steps=STEPS)
    made.run.begin()
    for step in lived:
        made.run.digest(step, lambda: True)
        if made.run.finished:
            break
    end(made)
    for number in range(8):
        write_bag(tmp_path / "run" / "bags", [s for s in lived if s.feedback.episode == number], task.spec)
    assert replay_equal(tmp_path / "run")
    bag = tmp_path / "run/bags/episode_000001/episode_000001_0.mcap"
    for path in (bag, bag.parent / "metadata.yaml"):
        path.unlink()
    bag.parent.rmdir()
    assert not replay_equal(tmp_path / "run")
