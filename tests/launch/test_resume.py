"""A run in two launches, and one whose learner is killed: both end in the checkpoint of one undisturbed run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from fakes.processes import Running, Stage, wait_until

from vlmrl_ros.core.checkpoint import read_checkpoint

pytestmark = [pytest.mark.launch, pytest.mark.timeout(240)]

HALF, WHOLE, HORIZON = 50, 260, 40
SMALL = {"rlif.min_steps": 16, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 30, **SMALL}


def train(stage: Stage, run: Path, max_steps: int, *more: str, **learner: object) -> Running:
    params = stage.params_file({"/**": {"reach.horizon": HORIZON}, "/**/learner": {**LEARNER, **learner}})
    given = [f"run_dir:={run}", "task:=reach", f"max_steps:={max_steps}", "seed:=7", "sync:=true", "demonstrations:=2"]
    return stage.launch("sim_train.launch.py", *given, f"params_file:={params}", *more)


def finished(launched: Running, run: Path) -> dict:
    assert launched.wait(100.0) == 0, launched.output
    assert "Traceback" not in launched.output
    return json.loads((run / "summary.json").read_text())


def hashes(summary: dict) -> dict[str, str]:
    return read_checkpoint(Path(summary["checkpoint"]))["sha256"]


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> dict:
    run = stage.root / "runs" / "undisturbed"
    return finished(train(stage, run, WHOLE), run)


def test_two_launches_end_in_the_checkpoint_of_one_hash_for_hash(stage, undisturbed):
    run = stage.root / "runs" / "halves"
    first = finished(train(stage, run, HALF), run)
    assert HALF <= first["steps"] < HALF + HORIZON
    second = finished(train(stage, run, WHOLE, "resume:=true"), run)
    assert second["checkpoint_sha256"] == undisturbed["checkpoint_sha256"]
    assert hashes(second) == hashes(undisturbed)
    assert (second["demonstrations"], second["chains_broken"]) == (undisturbed["demonstrations"], 0)


def test_a_learner_that_is_killed_comes_back_and_ends_in_the_same_checkpoint(stage, undisturbed):
    run = stage.root / "runs" / "killed"
    launched = train(stage, run, WHOLE)
    wait_until(lambda: (run / "checkpoints" / "step_30").exists() or launched.ended, "a checkpoint", 60.0)
    os.kill(launched.pid_of("learner"), signal.SIGKILL)
    summary = finished(launched, run)
    assert "learner was killed by SIGKILL: it is started again" in launched.output
    assert hashes(summary) == hashes(undisturbed)
    assert summary["chains_broken"] == 0


def test_a_run_with_other_options_is_not_the_same_run(stage, undisturbed):
    run = stage.root / "runs" / "undisturbed"
    before = (run / "summary.json").read_bytes()
    launched = train(stage, run, WHOLE, "resume:=true", **{"rlif.batch_size": 64})
    assert launched.wait(60.0) != 0
    assert "its rlif.batch_size is 32, not 64; resume it with the values it began with" in launched.output
    assert "Traceback" not in launched.output
    assert (run / "summary.json").read_bytes() == before


def test_resume_without_a_run_is_refused(stage):
    launched = stage.launch("sim_train.launch.py", "resume:=true", "task:=reach")
    assert launched.wait() != 0
    assert "resume:=true needs run_dir:=, the directory of the run that is to go on" in launched.output
