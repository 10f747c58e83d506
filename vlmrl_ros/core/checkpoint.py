"""Checkpoints on disk: written aside, renamed when whole, with the hash of each file; what never changes is linked."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.core.snapshot import Content, write_file

CHECKPOINT_FILE = "checkpoint.json"
POLICY_FILE = "policy.safetensors"
LEARNER_FOLDER, LOOP_FOLDER = "learner", "training"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV)
"""A file system says with these that it cannot link."""


@dataclass(frozen=True)
class Stored:
    """A checkpoint that is whole.

    Attributes:
        path: its directory.
        sha256: of each file, by relative path.
    """

    path: Path
    sha256: Mapping[str, str]

    @property
    def combined_sha256(self) -> str:
        """One hash for all that was learned."""
        return combined_hash({"sha256": self.sha256})


def write_checkpoint(
    folder: Path, step: int, contents: Mapping[str, Content | None], about: Mapping[str, Any], previous: Stored | None
) -> Stored:
    """Write ``step_<n>/`` aside and rename it when whole; on an error nothing of it stays.

    Args:
        folder: where checkpoints are.
        step: learning steps so far.
        contents: by relative path; None takes the file of the previous checkpoint over, with its hash.
        about: what ``checkpoint.json`` says besides the file hashes; plain JSON values.
        previous: the checkpoint to take files from.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    final = folder / f"step_{step}"
    aside = _aside(final)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        hashes = {}
        for name, content in sorted(contents.items()):
            hashes[name] = _take_over(name, aside, previous) if content is None else _write(aside / name, content)
        text = json.dumps({**about, "step": step, "sha256": hashes}, indent=2, sort_keys=True)
        write_whole(aside / CHECKPOINT_FILE, text + "\n")
        for directory in (*(p for p in aside.rglob("*") if p.is_dir()), aside):
            _sync_directory(directory)
        remove_checkpoint(final)
        aside.rename(final)
        _sync_directory(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Stored(final, hashes)


def remove_checkpoint(path: Path) -> None:
    """Delete a checkpoint so that no part of it can be taken for a whole one; nothing happens where there is none."""
    doomed = path.with_name(f".{path.name}.removed.partial")
    shutil.rmtree(doomed, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def remove_partial(folder: Path) -> None:
    """Delete what a killed process left half-written or half-deleted."""
    for path in folder.glob(".*.partial"):
        shutil.rmtree(path, ignore_errors=True)


def read_checkpoint(directory: Path, below: str = "") -> dict[str, Any]:
    """Read ``checkpoint.json`` and verify the files.

    Args:
        directory: a checkpoint, as written by :func:`write_checkpoint`.
        below: verify only the files whose relative path begins so; those of a replay take a while.

    Returns:
        its contents, among them ``step``, ``task_spec``, ``policy`` and ``policy_options``.

    Raises:
        CheckpointError: it is missing, is no checkpoint, or a file does not have its hash.
    """
    path = directory / CHECKPOINT_FILE
    if not path.is_file():
        found = sorted(str(p.parent) for p in directory.glob(f"**/{CHECKPOINT_FILE}")) if directory.is_dir() else []
        hint = f"; checkpoints below it: {', '.join(found)}" if found else ""
        raise CheckpointError(f"'{directory}' is not a checkpoint (no {CHECKPOINT_FILE}){hint}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        expected = {name: str(value) for name, value in about["sha256"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"'{path}' is damaged: {error}") from error
    bad = sorted(n for n, value in expected.items() if n.startswith(below) and _hash_of(directory / n) != value)
    if bad:
        raise CheckpointError(f"checkpoint '{directory}' is damaged: {', '.join(bad)} missing or changed")
    return dict(about)


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first; whether they are whole is not looked at."""
    numbered = [(int(p.name[5:]), p) for p in folder.glob("step_*") if p.name[5:].isdigit()]
    return [path for _, path in sorted(numbered)]


def newest_whole(folder: Path, say: Callable[[str], None]) -> tuple[Stored, dict[str, Any]] | None:
    """The newest checkpoint whose files all have their hashes, and what its ``checkpoint.json`` says.

    Args:
        folder: where checkpoints are.
        say: told of each one that is damaged and passed over.

    Returns:
        None where there is none.
    """
    for path in reversed(checkpoints_in(folder)):
        try:
            about = read_checkpoint(path)
        except CheckpointError as error:
            say(f"{error}; the one before it is used")
            continue
        return Stored(path, about["sha256"]), about
    return None


def combined_hash(about: Mapping[str, Any]) -> str:
    """One SHA-256 for all that was learned, from the hashes of the files.

    The loop's own files are left out: open steps and the log for people hold what a learner may not read.
    """
    learned = {name: value for name, value in about["sha256"].items() if not name.startswith(LOOP_FOLDER + "/")}
    text = json.dumps(learned, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, content: Content) -> str:
    digest = hashlib.sha256()
    write_file(path, content(), digest.update)
    return digest.hexdigest()


def _take_over(name: str, aside: Path, previous: Stored | None) -> str:
    if previous is None:
        raise ValueError(f"'{name}' was to be taken from a checkpoint, but there is none")
    source, target = previous.path / name, aside / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        write_file(target, [source.read_bytes()])
    return previous.sha256[name]


def _hash_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _aside(final: Path) -> Path:
    return final.with_name(f".{final.name}.partial")


def _sync_directory(path: Path) -> None:
    """Make what was created or renamed in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
