from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from vlmrl_ros.core.checkpoint import POLICY_FILE, combined_hash, read_checkpoint
from vlmrl_ros.nodes.rollout import load_policy

ARCHITECTURE = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"


def learn(made, steps, *, interrupted: bool = False):
    made.run.begin()
    for step in steps:
        if made.run.finished:
            break
        made.run.digest(step, lambda: True)
    made.run.end(lambda: interrupted)
    return made


@pytest.fixture(scope="module")
def done(make_run, lived, tmp_path_factory):
    """A whole run of 60 steps with evaluations."""
    return learn(make_run(tmp_path_factory.mktemp("runs") / "done", eval_task="reach"), lived)


def documentation() -> str:
    """What the architecture page says of ``summary.json``."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    return re.search(r"^`summary\.json`: (.*?)\n\n", text, re.MULTILINE | re.DOTALL).group(1)


def test_the_run_ends_after_its_steps_and_leaves_demonstrations_out(done):
    summary = done.run.summary
    assert done.run.finished
    assert summary["demonstrations"] == 1
    assert 60 <= summary["steps"] < 60 + 20
    assert summary["episodes"] == len(done.run.training.log.online())
    assert summary["operator_success"] == 1.0
    assert summary["interrupted"] is False


def test_weights_are_published_with_the_first_update_and_then_as_often_as_planned(done):
    versions = [weights.version for weights in done.published]
    steps = [weights.step for weights in done.published]
    assert versions == list(range(1, len(versions) + 1))
    assert steps[0] >= 16, "the learner is ready after 16 steps of the policy"
    assert len({step // 10 for step in steps}) == len(steps), "once in ten steps"
    assert steps[-1] // 10 == done.run.training.steps // 10
    first, last = (weights.variables["actor/mean/weight"] for weights in (done.published[0], done.published[-1]))
    assert not np.array_equal(first, last)


def test_the_first_weights_do_not_wait_for_their_turn(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", publish_every=10**5)
    made.run.begin()
    for step in lived:
        made.run.digest(step, lambda: True)
        if made.run.training.updates:
            break
    assert [(weights.version, weights.step) for weights in made.published] == [(1, made.run.training.steps)]
    made.run.end(lambda: True)


def test_checkpoints_are_written_as_often_as_planned_and_at_the_end(done):
    found = sorted(int(path.name[5:]) for path in (done.run.path / "checkpoints").iterdir())
    assert [step // 25 for step in found] == [1, 2, 2]
    assert found[-1] == done.run.training.steps


def test_the_last_checkpoint_holds_the_weights_at_the_end_and_can_act(done, task, lived):
    path = Path(done.run.summary["checkpoint"])
    assert done.run.summary["checkpoint_sha256"] == combined_hash(read_checkpoint(path))
    for name, value in done.run.training.learner.variables().items():
        np.testing.assert_array_equal(load_file(path / POLICY_FILE)[name], value)
    policy = load_policy(path, task.spec)
    first, _ = policy.act(lived[0].observation, np.random.default_rng(0))
    again, _ = policy.act(lived[0].observation, np.random.default_rng(1))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("options", "says"), [({}, ""), ({"observation": "both", "horizon": 30}, "both")])
def test_a_checkpoint_says_what_the_task_was_told_to_show(make_run, lived, tmp_path, options, says):
    made = learn(make_run(tmp_path / "run", eval_task_options=options), lived[:45], interrupted=True)
    assert read_checkpoint(Path(made.run.summary["checkpoint"]))["observation"] == says


def test_every_checkpoint_is_evaluated_and_the_last_one_longer(done):
    summary = done.run.summary
    names = {path.name for path in (done.run.path / "checkpoints").iterdir()}
    assert {f"step_{row['step']}" for row in summary["evaluations"]} == names
    assert [row["episodes"] for row in summary["evaluations"]] == [2] * len(names)
    assert (summary["final"]["episodes"], summary["final"]["checkpoint"]) == (3, summary["checkpoint"])
    for row in (*summary["evaluations"], summary["final"]):
        assert 0 <= row["success_low"] <= row["success"] <= row["success_high"] <= 1


def test_without_episodes_for_it_nothing_is_evaluated(make_run, lived, tmp_path):
    made = learn(make_run(tmp_path / "run", eval_task="reach", eval_episodes=0), lived)
    assert made.run.summary["evaluations"] == []
    assert "final" not in made.run.summary
    assert made.run.summary["best_checkpoint"] == made.run.summary["checkpoint"]


def test_the_keys_of_the_summary_are_those_of_the_documentation(done):
    summary, said = done.run.summary, documentation()
    keys = {{"_last": "takeover_rate_last"}.get(key, key) for key in re.findall(r"`(\w+)`", said)}
    of_turns = {key for key in keys if key.startswith("turns")}
    assert summary.keys() == keys - of_turns - {"arms", "given"}, "which a fleet has, and who was given bags"
    assert (
        summary["final"].keys()
        == summary["evaluations"][0].keys()
        == set(re.search(r"list of ([\w, ]+)\)", said).group(1).split(", "))
    )


def test_the_run_directory_is_whole(done):
    path = done.run.path
    written = json.loads((path / "summary.json").read_text())
    assert written.keys() == done.run.summary.keys()
    assert written["final"] == done.run.summary["final"]
    records = json.loads((path / "episodes.json").read_text())
    assert sum(record["steps"] for record in records) <= len(done.run.training.log.records) * 20
    assert [record["episode"] for record in records] == list(range(len(records)))
    assert all((path / "plots" / name).stat().st_size > 1000 for name in ("success.png", "interventions.png"))
    assert list((path / "tensorboard").glob("events.*"))
    assert (path / "log" / "evaluation.log").exists()
    assert not list(path.rglob("*.partial"))


def test_two_runs_on_the_same_steps_end_in_the_same_checkpoint(make_run, lived, tmp_path):
    hashes = [learn(make_run(tmp_path / n, max_steps=30), lived).run.summary["checkpoint_sha256"] for n in "ab"]
    assert hashes[0] == hashes[1]


def test_task_rewards_leave_no_trace_in_a_checkpoint_of_rlif(make_run, lived, tmp_path):
    rng = np.random.default_rng(5)
    scrambled = [replace(step, feedback=replace(step.feedback, reward=float(rng.normal()))) for step in lived]
    plain = learn(make_run(tmp_path / "plain", max_steps=30), lived).run
    strange = learn(make_run(tmp_path / "strange", max_steps=30), scrambled).run
    assert plain.summary["checkpoint_sha256"] == strange.summary["checkpoint_sha256"]


def test_an_interrupted_run_leaves_a_whole_directory(make_run, lived, tmp_path):
    made = learn(make_run(tmp_path / "run", eval_task="reach"), lived[:45], interrupted=True)
    summary = json.loads((made.run.path / "summary.json").read_text())
    assert summary["interrupted"] is True
    assert 0 < summary["steps"] < 60
    assert summary["checkpoint"].endswith(f"step_{summary['steps']}")
    assert read_checkpoint(Path(summary["checkpoint"]))["step"] == summary["steps"]
    assert "final" not in summary
    assert not list(made.run.path.rglob("*.partial"))


def test_a_run_that_learned_nothing_says_so(make_run, tmp_path):
    made = learn(make_run(tmp_path / "run"), [], interrupted=True)
    text = (made.run.path / "summary.json").read_text()
    summary = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (summary["steps"], summary["episodes"], summary["takeover_rate_first"]) == (0, 0, None)
    assert "checkpoint" not in summary


def test_a_checkpoint_that_is_asked_for_between_the_planned_ones_is_whole(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", checkpoint_every=10**6)
    made.run.begin()
    for step in lived[:40]:
        made.run.digest(step, lambda: True)
    path = made.checkpoint()
    assert read_checkpoint(path)["step"] == made.run.training.steps
    made.run.end(lambda: True)
    assert [p.name for p in (made.run.path / "checkpoints").iterdir()] == [path.name]


def test_what_the_bags_held_is_told_where_a_run_goes_on_but_not_at_its_first_step(make_run, lived, tmp_path):
    made = make_run(tmp_path / "run", lived[:3])
    made.run.begin()
    made.run.recover(lambda: False, 0, before=lived[1])
    assert made.run.newest_ns == (lived[0].stamp_ns,)
    assert not [line for line in made.said if line.startswith("learned from")]
    made.run.recover(lambda: False, 0)
    assert "learned from 2 steps that its bags held already" in made.said
    made.run.end(lambda: True)
