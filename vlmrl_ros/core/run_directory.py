"""The run directory: one owner, nothing half-written, results in one place (``summary.json``)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from vlmrl_ros.core.errors import CheckpointError, RunDirectoryError

CHECKPOINT_FILE = "checkpoint.json"
POLICY_FILE = "policy.safetensors"
_FOLDERS = ("checkpoints", "plots", "tensorboard", "log")


class RunDirectory:
    """Owns ``runs/<name>/`` while it is open: lock, configuration, checkpoints, summary."""

    def __init__(self, path: Path) -> None:
        """Create and lock the directory.

        Args:
            path: must not hold a run yet.

        Raises:
            RunDirectoryError: another process owns it, it holds a finished run, or it cannot be written.
        """
        self.path = path.expanduser().resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = open(self.path / ".lock", "w", encoding="utf-8")  # noqa: SIM115 - held for the run
        except OSError as error:
            raise RunDirectoryError(f"run directory '{path}' cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunDirectoryError(
                f"run directory '{path}' is in use by another run; choose another run_dir"
            ) from error
        if (self.path / "config.yaml").exists():
            self.close()
            raise RunDirectoryError(f"run directory '{path}' already holds a run; choose another run_dir or remove it")
        for name in _FOLDERS:
            (self.path / name).mkdir(exist_ok=True)

    def close(self, discard: bool = False) -> None:
        """Give the lock back.

        Args:
            discard: no run began: take away what was made, so that the directory can be claimed again.
        """
        if discard:
            for name in ("config.yaml", ".lock"):
                (self.path / name).unlink(missing_ok=True)
            for folder in (*(self.path / name for name in _FOLDERS), self.path):
                with contextlib.suppress(OSError):  # somebody keeps files there
                    folder.rmdir()
        self._lock.close()

    def write_text(self, name: str, text: str) -> Path:
        """Write a small file whole or not at all; returns its path."""
        return write_whole(self.path / name, text)

    def write_summary(self, summary: Mapping[str, Any]) -> Path:
        """Replace ``summary.json``; numbers that are not finite become null, because JSON has none."""
        return self.write_text("summary.json", json.dumps(_finite(summary), indent=2, sort_keys=True) + "\n")

    def checkpoint(self, step: int, fill: Callable[[Path], None], about: Mapping[str, Any]) -> Path:
        """Write ``checkpoints/step_<n>/`` aside and rename it when whole.

        Args:
            step: learning steps so far.
            fill: writes the files into the empty directory that it is given.
            about: what ``checkpoint.json`` says besides the file hashes; plain JSON values.

        Returns:
            the checkpoint's directory.
        """
        final = self.path / "checkpoints" / f"step_{step}"
        aside = final.with_name(f".{final.name}.partial")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            fill(aside)
            text = json.dumps({**about, "step": step, "sha256": file_hashes(aside)}, indent=2, sort_keys=True)
            write_whole(aside / CHECKPOINT_FILE, text + "\n")
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        if final.exists():
            shutil.rmtree(final)
        aside.rename(final)
        return final


def write_whole(path: Path, text: str) -> Path:
    """Write text so that a reader sees the old file or the new one, never a part."""
    aside = path.with_name(f".{path.name}.partial")
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return path


def file_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of every file below a directory, by relative path, sorted."""
    files = sorted(p for p in directory.rglob("*") if p.is_file() and p.name != CHECKPOINT_FILE)
    return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def read_checkpoint(directory: Path) -> dict[str, Any]:
    """Read and verify ``checkpoint.json``.

    Args:
        directory: a checkpoint, as written by :meth:`RunDirectory.checkpoint`.

    Returns:
        its contents, among them ``step``, ``task_spec``, ``policy`` and ``policy_config``.

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
        expected = dict(about["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"'{path}' is damaged: {error}") from error
    actual = file_hashes(directory)
    bad = sorted(name for name in expected if actual.get(name) != expected[name])
    if bad:
        raise CheckpointError(f"checkpoint '{directory}' is damaged: {', '.join(bad)} missing or changed")
    return dict(about)


def combined_hash(about: Mapping[str, Any]) -> str:
    """One SHA-256 for a whole checkpoint, from the hashes of its files."""
    text = json.dumps(about["sha256"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _finite(value: Any) -> Any:
    """A JSON value in which null stands for NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
