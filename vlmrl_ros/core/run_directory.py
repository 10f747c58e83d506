"""The run directory: one owner, nothing half-written, results in one place (``summary.json``)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from vlmrl_ros.core.errors import RunDirectoryError

_FOLDERS = ("checkpoints", "plots", "tensorboard", "log")


class RunDirectory:
    """Owns ``runs/<name>/`` while it is open: lock, configuration, checkpoints, summary."""

    def __init__(self, path: Path, resume: bool = False) -> None:
        """Create and lock the directory.

        Args:
            path: must not hold a run yet, unless that run is to go on.
            resume: go on with the run that it holds.

        Raises:
            RunDirectoryError: another process owns it, it holds a run although none is to be resumed or holds none
                although one is, or it cannot be written.
        """
        self.path = path.expanduser().resolve()
        if resume and not (self.path / "config.yaml").exists():
            raise RunDirectoryError(
                f"run directory '{path}' holds no run to resume; give the run_dir of the first part"
            )
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
        if not resume and (self.path / "config.yaml").exists():
            self.close()
            raise RunDirectoryError(
                f"run directory '{path}' already holds a run; choose another run_dir or remove it,"
                " or go on with it by resume:=true"
            )
        self._held_a_run = resume
        self._written: set[str] = set()
        try:
            for name in _FOLDERS:
                (self.path / name).mkdir(exist_ok=True)
        except OSError as error:
            self.close()
            raise RunDirectoryError(f"run directory '{path}' cannot be written: {error.strerror}") from error

    def close(self, discard: bool = False) -> None:
        """Give the lock back.

        Args:
            discard: no run began: take away what was made, so that the directory can be claimed again, and the folders
                that a recorder has made in it and in which nothing is. A directory that held a run before is left as
                it is.
        """
        if discard and not self._held_a_run:
            for name in (*self._written, ".lock"):
                (self.path / name).unlink(missing_ok=True)
            below = sorted((path for path in self.path.rglob("*") if path.is_dir()), reverse=True)
            for folder in (*below, self.path):
                with contextlib.suppress(OSError):  # somebody keeps files there
                    folder.rmdir()
        self._lock.close()

    def write_text(self, name: str, text: str) -> Path:
        """Write a small file whole or not at all; returns its path.

        Raises:
            RunDirectoryError: the disk is full, or the directory cannot be written any more.
        """
        self._written.add(name)
        try:
            return write_whole(self.path / name, text)
        except OSError as error:
            raise RunDirectoryError(f"'{self.path / name}' cannot be written: {error.strerror}") from error

    def write_summary(self, summary: Mapping[str, Any]) -> Path:
        """Replace ``summary.json``; numbers that are not finite become null, because JSON has none."""
        return self.write_text("summary.json", json.dumps(_finite(summary), indent=2, sort_keys=True) + "\n")


def write_whole(path: Path, text: str) -> Path:
    """Write text so that a reader sees the old file or the new one, never a part."""
    aside = path.with_name(f".{path.name}.partial")
    try:
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    return path


def _finite(value: Any) -> Any:
    """A JSON value in which null stands for NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
