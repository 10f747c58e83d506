from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.disk import file_size_limit

from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    made = RunDirectory(tmp_path / "runs" / "first")
    yield made
    made.close()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_run_begins_with_its_folders(run):
    assert {"checkpoints", "plots", "tensorboard", "log"} <= set(names(run.path))


def test_a_directory_has_one_owner_at_a_time(run):
    with pytest.raises(RunDirectoryError, match="first' is in use by another run; choose another run_dir"):
        RunDirectory(run.path)


def test_another_process_is_kept_out_too(run):
    code = f"import pathlib, vlmrl_ros.core.run_directory as r; r.RunDirectory(pathlib.Path({str(run.path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.returncode != 0
    assert "in use by another run" in done.stderr


def test_a_directory_that_holds_a_run_is_refused_and_left_as_it_is(run):
    run.write_text("config.yaml", "seed: 3\n")
    run.close()
    with pytest.raises(RunDirectoryError, match="already holds a run; choose another run_dir or remove it"):
        RunDirectory(run.path)
    assert (run.path / "config.yaml").read_text() == "seed: 3\n"


def test_a_refused_directory_is_not_kept_locked(run):
    run.write_text("config.yaml", "")
    run.close()
    for _ in range(2):
        with pytest.raises(RunDirectoryError, match="already holds a run"):
            RunDirectory(run.path)


@pytest.mark.parametrize("where", ["a_file", "a_file/below"])
def test_a_place_that_cannot_be_written_is_refused_with_the_reason(tmp_path, where):
    (tmp_path / "a_file").write_text("")
    with pytest.raises(RunDirectoryError, match=f"{where}' cannot be written: (File exists|Not a directory)"):
        RunDirectory(tmp_path / where)


def test_a_run_that_never_began_leaves_nothing_behind(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.write_text("config.yaml", "")
    run.write_text("run.json", "{}")
    run.close(discard=True)
    assert names(tmp_path) == []


def test_discarding_takes_the_empty_folders_of_a_recorder_along(tmp_path):
    run = RunDirectory(tmp_path / "run")
    (tmp_path / "run" / "bags" / "arm_0").mkdir(parents=True)
    run.close(discard=True)
    assert not (tmp_path / "run").exists()


def test_discarding_spares_what_somebody_else_keeps_there(tmp_path):
    (tmp_path / "run" / "log").mkdir(parents=True)
    (tmp_path / "run" / "log" / "mine.txt").write_text("keep")
    RunDirectory(tmp_path / "run").close(discard=True)
    assert names(tmp_path / "run") == ["log"]
    assert (tmp_path / "run" / "log" / "mine.txt").read_text() == "keep"


def test_the_summary_is_replaced_as_a_whole(run):
    run.write_summary({"steps": 1, "b": None})
    path = run.write_summary({"steps": 2})
    assert json.loads(path.read_text()) == {"steps": 2}
    assert not [name for name in names(run.path) if "partial" in name]


def test_numbers_that_json_does_not_know_become_null(run):
    path = run.write_summary({"rate": float("nan"), "deep": [{"loss": float("inf"), "steps": 3}]})
    plain = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert plain == {"rate": None, "deep": [{"loss": None, "steps": 3}]}


def test_a_text_that_cannot_be_written_leaves_the_old_one_and_nothing_else(run):
    run.write_text("episodes.json", "[]")
    with (
        file_size_limit(100),
        pytest.raises(RunDirectoryError, match=r"episodes\.json' cannot be written: File too large"),
    ):
        run.write_text("episodes.json", "x" * 101)
    assert (run.path / "episodes.json").read_text() == "[]"
    assert not [name for name in names(run.path) if "partial" in name]


def test_a_run_goes_on_in_its_directory(run):
    run.write_text("config.yaml", "seed: 3\n")
    run.close()
    again = RunDirectory(run.path, resume=True)
    assert (again.path / "config.yaml").read_text() == "seed: 3\n"
    with pytest.raises(RunDirectoryError, match="in use by another run"):
        RunDirectory(run.path, resume=True)
    again.close()


def test_giving_up_before_going_on_leaves_the_run_as_it_was(run):
    run.write_text("config.yaml", "seed: 3\n")
    run.close()
    RunDirectory(run.path, resume=True).close(discard=True)
    assert {"config.yaml", "checkpoints"} <= set(names(run.path))


def test_there_is_nothing_to_resume_where_no_run_is(tmp_path):
    with pytest.raises(RunDirectoryError, match="holds no run to resume; give the run_dir of the first part"):
        RunDirectory(tmp_path / "typo", resume=True)
    assert names(tmp_path) == []


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path):
    path = tmp_path / "run"
    code = f"""
import os, pathlib, signal, vlmrl_ros.core.run_directory as r
r.RunDirectory(pathlib.Path({str(path)!r})).write_text("config.yaml", "")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=50, check=False)
    assert done.returncode == -signal.SIGKILL
    RunDirectory(path, resume=True).close()
