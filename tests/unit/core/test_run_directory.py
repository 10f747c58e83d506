from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vlmrl_ros.core.errors import CheckpointError, RunDirectoryError
from vlmrl_ros.core.run_directory import CHECKPOINT_FILE, RunDirectory, combined_hash, file_hashes, read_checkpoint


@pytest.fixture
def run(tmp_path):
    made = RunDirectory(tmp_path / "runs" / "first")
    yield made
    made.close()


def fill(directory: Path) -> None:
    (directory / "policy.safetensors").write_bytes(b"weights")
    (directory / "learner").mkdir()
    (directory / "learner" / "rows.npy").write_bytes(b"rows")


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
    run.close(discard=True)
    assert names(tmp_path) == []


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


def test_a_checkpoint_says_what_it_is_and_bears_the_hash_of_each_file(run):
    path = run.checkpoint(500, fill, {"policy": "gaussian"})
    assert path == run.path / "checkpoints" / "step_500"
    about = read_checkpoint(path)
    assert (about["step"], about["policy"]) == (500, "gaussian")
    assert sorted(about["sha256"]) == ["learner/rows.npy", "policy.safetensors"]
    assert about["sha256"] == file_hashes(path)


def test_a_checkpoint_of_the_same_step_replaces_the_older_one(run):
    run.checkpoint(1, fill, {"version": 1})
    path = run.checkpoint(1, lambda d: (d / "other").write_text("x"), {"version": 2})
    assert read_checkpoint(path)["version"] == 2
    assert names(path) == [CHECKPOINT_FILE, "other"]


def test_a_checkpoint_that_fails_while_it_is_written_leaves_nothing(run):
    def fail(directory: Path) -> None:
        fill(directory)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        run.checkpoint(500, fail, {})
    assert names(run.path / "checkpoints") == []


def test_a_checkpoint_that_fails_spares_the_older_one_of_the_same_step(run):
    path = run.checkpoint(500, fill, {"version": 1})
    with pytest.raises(ZeroDivisionError):
        run.checkpoint(500, lambda d: 1 / 0, {"version": 2})
    assert read_checkpoint(path)["version"] == 1


def test_what_a_killed_run_left_half_written_is_no_obstacle(run):
    aside = run.path / "checkpoints" / ".step_5.partial"
    aside.mkdir()
    (aside / "stale").write_text("x")
    assert "stale" not in names(run.checkpoint(5, fill, {}))


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_a_damaged_file_is_named(run, spoil):
    path = run.checkpoint(1, fill, {})
    victim = path / "learner" / "rows.npy"
    victim.write_bytes(b"rowS") if spoil == "change" else victim.unlink()
    with pytest.raises(CheckpointError, match=r"is damaged: learner/rows.npy missing or changed$"):
        read_checkpoint(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"sha256": 3}', '{"sha256": "abc"}', "\xff"])
def test_a_damaged_description_is_refused(run, text):
    path = run.checkpoint(1, fill, {})
    (path / CHECKPOINT_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=r"checkpoint\.json' is damaged"):
        read_checkpoint(path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere' is not a checkpoint \(no checkpoint.json\)$"):
        read_checkpoint(tmp_path / "nowhere")


def test_the_checkpoints_below_are_listed_where_a_run_directory_is_given_instead(run):
    for step in (500, 1000):
        run.checkpoint(step, fill, {})
    with pytest.raises(CheckpointError, match=r"checkpoints below it: .*step_1000, .*step_500"):
        read_checkpoint(run.path)


def test_the_combined_hash_is_equal_for_equal_files_and_no_other(run):
    def hashed(step: int, rows: bytes, about: dict[str, object]) -> str:
        def write(directory: Path) -> None:
            (directory / "rows").write_bytes(rows)

        return combined_hash(read_checkpoint(run.checkpoint(step, write, about)))

    first = hashed(1, b"a", {"wall_s": 1.0})
    assert hashed(2, b"a", {"wall_s": 2.0}) == first
    assert hashed(3, b"b", {"wall_s": 1.0}) != first
