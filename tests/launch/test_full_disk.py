"""A disk that is full, or cannot be written at all: said clearly, and nothing that was learned is lost."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.processes import Stage, wait_until

from vlmrl_ros.bridge.bags.reader import steps_after
from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.checkpoint import read_checkpoint

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

SMALL = {"rlif.min_steps": 32, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 40, **SMALL}
SIZE_MIB = 32
FULL = ("could not be written: [Errno 28] No space left on device", "bags' cannot be written: No space left on device")


def mount(*arguments: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", *arguments], check=True, capture_output=True, timeout=10)


@pytest.fixture
def disk(stage: Stage) -> Iterator[Path]:
    """A small file system of its own."""
    where = stage.root / "disk"
    where.mkdir()
    try:
        mount("-o", f"size={SIZE_MIB}m", "tmpfs", str(where))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this user cannot mount a file system: {error}")
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True, timeout=10)


def fill(filler: Path) -> None:
    """Take all the room that there is, also what became free since the last time."""
    with open(filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_run_outlives_a_full_disk_and_a_disk_that_cannot_be_written_is_refused(stage: Stage, disk: Path):
    run = disk / "run"
    params = stage.params_file({"/**": {"reach.horizon": 40}, "/**/learner": LEARNER})
    arguments = ("task:=reach", f"params_file:={params}", "max_steps:=600", "demonstrations:=1")
    launched = stage.launch("sim_train.launch.py", f"run_dir:={run}", *arguments)
    wait_until(lambda: launched.ended or list(run.glob("checkpoints/step_*/checkpoint.json")), "a checkpoint", 60.0)
    filler = disk / "filler"

    def told() -> bool:
        fill(filler)
        return launched.ended or all(line in launched.output for line in FULL)

    wait_until(told, "both complaints")
    for line in FULL:
        assert line in launched.output, launched.output
    newest = max((run / "checkpoints").glob("step_*"), key=lambda path: int(path.name[5:]))
    assert read_checkpoint(newest)["step"] > 0, "the one before is whole"
    filler.unlink()
    assert launched.wait(60.0) == 0, launched.output
    assert "Traceback" not in launched.output
    assert launched.output.count("well again (was: ") >= 2
    summary = json.loads((run / "summary.json").read_text())
    assert read_checkpoint(Path(summary["checkpoint"]))["step"] == summary["steps"] >= 600
    steps = list(steps_after(run / "bags", -1))
    assert all(follows(a.feedback, b.feedback) for a, b in pairwise(steps)), "no step was dropped"
    assert summary["chains_broken"] == 0

    mount("-o", "remount,ro", "tmpfs", str(disk))
    refused = stage.launch("sim_train.launch.py", f"run_dir:={run}", "resume:=true", *arguments)
    assert refused.wait(60.0) != 0
    assert f"error: run directory '{run}' cannot be written: Read-only file system" in refused.output
    assert "Traceback" not in refused.output
