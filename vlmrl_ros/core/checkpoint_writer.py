"""Writes checkpoints in a thread of its own: whoever trains only waits for copies of what is not on disk yet."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmrl_ros.core.checkpoint import Stored, checkpoints_in, remove_checkpoint, write_checkpoint
from vlmrl_ros.core.snapshot import Content, Snapshot

MOST_WAITING = 2
"""Checkpoints that may be under way; each holds copies in memory."""


@dataclass(frozen=True)
class Outcome:
    """What became of a checkpoint.

    Attributes:
        step: learning steps of the checkpoint.
        stored: where it is; None if it could not be written.
        error: why not; empty if it could.
    """

    step: int
    stored: Stored | None
    error: str = ""


@dataclass(frozen=True)
class _Job:
    step: int
    contents: Mapping[str, Content | None]
    about: Mapping[str, Any]


class CheckpointWriter:
    """One thread that writes, one after the other, what it is handed. Its methods are for one other thread."""

    def __init__(self, folder: Path, newest: Stored | None = None) -> None:
        """Start the thread.

        Args:
            folder: where checkpoints are.
            newest: the checkpoint that a resumed run goes on from; its whole files are taken over.
        """
        self._folder = folder
        self._newest = newest
        self._jobs: deque[_Job] = deque()
        self._outcomes: list[Outcome] = []
        self._keep: frozenset[str] | None = None
        self._closed = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="checkpoint-writer", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """The disk has not finished the ones before: no further one is taken."""
        with self._news:
            return len(self._jobs) >= MOST_WAITING

    def submit(self, step: int, parts: Snapshot, about: Mapping[str, Any]) -> None:
        """Take the copies and hand them to the thread.

        Args:
            step: learning steps so far.
            parts: the state at this moment.
            about: what ``checkpoint.json`` says besides.
        """
        with self._news:
            on_disk = self._newest.sha256 if self._newest else {}
        # what is on disk now is in each later checkpoint that still needs it, so it can be linked when its turn comes
        contents = {n: None if part.fixed and n in on_disk else part.copy() for n, part in parts.items()}
        with self._news:
            self._jobs.append(_Job(step, contents, dict(about)))
            self._news.notify_all()

    def keep(self, names: frozenset[str]) -> None:
        """Delete all checkpoints but the newest and those named, when the disk has time."""
        with self._news:
            self._keep = names
            self._news.notify_all()

    def collect(self, wait: bool = False) -> list[Outcome]:
        """What has become of the checkpoints since the last call; with ``wait`` of all that are under way."""
        with self._news:
            if wait:
                self._news.wait_for(lambda: not self._jobs)
            outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def close(self) -> None:
        """Finish what is under way and end the thread."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._jobs or self._keep is not None or self._closed)
                job = self._jobs[0] if self._jobs else None
                keep, self._keep = self._keep, None
            if keep is not None:
                self._prune(keep)
            if job is not None:
                self._write(job)
            elif keep is None:
                return

    def _write(self, job: _Job) -> None:
        stored, error = None, ""
        try:
            stored = write_checkpoint(self._folder, job.step, job.contents, job.about, self._newest)
        except Exception as caught:  # noqa: BLE001 - whatever it is, training goes on and the next one is tried
            error = f"checkpoint of step {job.step} could not be written: {caught}"
        with self._news:
            self._newest = stored or self._newest
            self._jobs.popleft()
            self._outcomes.append(Outcome(job.step, stored, error))
            self._news.notify_all()

    def _prune(self, keep: frozenset[str]) -> None:
        newest = {self._newest.path.name} if self._newest else set()
        for path in checkpoints_in(self._folder):
            if path.name not in keep | newest:
                try:
                    remove_checkpoint(path)
                except OSError:
                    continue  # a disk that cannot be written is told of by the next checkpoint
