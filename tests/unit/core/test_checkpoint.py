from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes.disk import file_size_limit

from vlmrl_ros.core.checkpoint import (
    CHECKPOINT_FILE,
    Stored,
    checkpoints_in,
    combined_hash,
    newest_whole,
    read_checkpoint,
    remove_partial,
    write_checkpoint,
)
from vlmrl_ros.core.errors import CheckpointError

CONTENTS = {"policy.safetensors": lambda: [b"wei", b"ghts"], "learner/rows.npy": lambda: [b"rows"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "checkpoints"
    made.mkdir()
    return made


def write(folder: Path, step: int, contents=CONTENTS, previous: Stored | None = None, **about) -> Stored:
    return write_checkpoint(folder, step, contents, about, previous)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def full_disk():
    yield b"some of it"
    raise OSError(28, "No space left on device")


def test_a_checkpoint_says_what_it_is_and_bears_the_hash_of_each_file(folder):
    stored = write(folder, 500, policy="gaussian")
    assert stored.path == folder / "step_500"
    about = read_checkpoint(stored.path)
    assert (about["step"], about["policy"]) == (500, "gaussian")
    assert sorted(about["sha256"]) == ["learner/rows.npy", "policy.safetensors"]
    assert about["sha256"] == stored.sha256
    assert (stored.path / "policy.safetensors").read_bytes() == b"weights"


def test_a_checkpoint_of_the_same_step_replaces_the_older_one(folder):
    write(folder, 1, version=1)
    stored = write(folder, 1, {"other": lambda: [b"x"]}, version=2)
    assert read_checkpoint(stored.path)["version"] == 2
    assert names(stored.path) == [CHECKPOINT_FILE, "other"]
    assert names(folder) == ["step_1"]


def test_what_never_changes_is_shared_with_the_checkpoint_before_and_keeps_its_hash(folder):
    first = write(folder, 1)
    second = write(folder, 2, {**CONTENTS, "learner/rows.npy": None}, first)
    assert os.path.samefile(first.path / "learner/rows.npy", second.path / "learner/rows.npy")
    assert not os.path.samefile(first.path / "policy.safetensors", second.path / "policy.safetensors")
    assert second.combined_sha256 == first.combined_sha256 == combined_hash(read_checkpoint(second.path))


def test_damage_to_a_shared_file_shows_in_each_checkpoint_that_has_it(folder):
    first = write(folder, 1)
    second = write(folder, 2, {**CONTENTS, "learner/rows.npy": None}, first)
    (first.path / "learner/rows.npy").write_bytes(b"rowS")
    for stored in (first, second):
        with pytest.raises(CheckpointError, match=r"is damaged: learner/rows.npy missing or changed$"):
            read_checkpoint(stored.path)


def test_a_full_disk_leaves_nothing_behind(folder):
    with pytest.raises(OSError, match="No space left"):
        write(folder, 500, {"rows": full_disk})
    with file_size_limit(1000), pytest.raises(OSError, match="too large"):
        write(folder, 500, {"rows": lambda: [bytes(900), bytes(900)]})
    assert names(folder) == []


def test_a_checkpoint_that_fails_spares_the_older_one_of_the_same_step(folder):
    stored = write(folder, 500, version=1)
    with pytest.raises(OSError, match="No space left"):
        write(folder, 500, {"rows": full_disk}, version=2)
    assert read_checkpoint(stored.path)["version"] == 1


def test_what_a_killed_run_left_half_written_is_no_obstacle(folder):
    aside = folder / ".step_5.partial"
    aside.mkdir()
    (aside / "stale").write_text("x")
    assert "stale" not in names(write(folder, 5).path)
    aside.mkdir()
    remove_partial(folder)
    assert names(folder) == ["step_5"]


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_a_damaged_file_is_named(folder, spoil):
    path = write(folder, 1).path
    victim = path / "learner" / "rows.npy"
    victim.write_bytes(b"rowS") if spoil == "change" else victim.unlink()
    with pytest.raises(CheckpointError, match=r"is damaged: learner/rows.npy missing or changed$"):
        read_checkpoint(path)
    assert read_checkpoint(path, below="policy")["step"] == 1, "who wants the policy alone need not read the replay"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"sha256": 3}', '{"sha256": "abc"}', "\xff"])
def test_a_damaged_description_is_refused(folder, text):
    path = write(folder, 1).path
    (path / CHECKPOINT_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=r"checkpoint\.json' is damaged"):
        read_checkpoint(path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere' is not a checkpoint \(no checkpoint.json\)$"):
        read_checkpoint(tmp_path / "nowhere")


def test_the_checkpoints_below_are_listed_where_a_run_directory_is_given_instead(folder):
    for step in (500, 1000):
        write(folder, step)
    with pytest.raises(CheckpointError, match=r"checkpoints below it: .*step_1000, .*step_500"):
        read_checkpoint(folder.parent)


def test_the_combined_hash_is_equal_for_equal_files_and_no_other(folder):
    first = write(folder, 1, {"rows": lambda: [b"a"]}, wall_s=1.0).combined_sha256
    assert write(folder, 2, {"rows": lambda: [b"a"]}, wall_s=2.0).combined_sha256 == first
    assert write(folder, 3, {"rows": lambda: [b"b"]}, wall_s=1.0).combined_sha256 != first


def test_a_damaged_checkpoint_is_passed_over_with_a_message(folder):
    for step in (900, 1000, 1100):
        write(folder, step)
    (folder / "step_1100" / "policy.safetensors").write_bytes(b"weight")
    (folder / "step_1000" / CHECKPOINT_FILE).write_text(json.dumps({"step": 1000}))
    said: list[str] = []
    stored, about = newest_whole(folder, said.append)
    assert (stored.path.name, about["step"]) == ("step_900", 900)
    assert [line.endswith("the one before it is used") for line in said] == [True, True]
    assert "step_1100' is damaged: policy.safetensors missing or changed" in said[0]


def test_without_any_whole_checkpoint_there_is_none(folder):
    (folder / "step_1").mkdir()
    assert newest_whole(folder, lambda text: None) is None


def test_checkpoints_are_ordered_by_step_and_not_by_name(folder):
    for name in ("step_1000", "step_900", "step_x", ".step_5.partial"):
        (folder / name).mkdir()
    assert [path.name for path in checkpoints_in(folder)] == ["step_900", "step_1000"]
