"""The learner's worker thread: takes steps from a queue, so that receiving never waits for learning."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vlmrl_ros.core.types import Step

if TYPE_CHECKING:
    from vlmrl_ros.nodes.learning_run import LearningRun

BACKLOG = 16
"""Steps in the queue beyond which they are stored without updates, until the worker has caught up."""


class Worker:
    """Owns the learning run: nothing else touches it after :meth:`start`."""

    def __init__(
        self, run: LearningRun, report: Callable[[int], None], ended: Callable[[BaseException | None], None]
    ) -> None:
        """Prepare; :meth:`start` begins.

        Args:
            run: what learns.
            report: called with the stamp of each step that has been learned from or given up.
            ended: called once at the end, with the error that ended it, if any.
        """
        self._run = run
        self._report = report
        self._ended = ended
        self._queue: queue.SimpleQueue[Step | int | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._paused = threading.Event()
        self.checkpoint_asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name="learner-worker", daemon=True)

    def start(self) -> None:
        """Begin to learn."""
        self._thread.start()

    def put(self, step: Step) -> None:
        """Hand over a step; returns at once."""
        self._queue.put(step)

    def skip(self, stamp_ns: int) -> None:
        """Report a step that never became whole, so that a bridge in lockstep does not wait for it."""
        self._queue.put(stamp_ns)

    def pause(self, paused: bool) -> None:
        """Keep storing steps but make no updates while paused."""
        (self._paused.set if paused else self._paused.clear)()

    def stop(self, timeout_s: float) -> None:
        """End early: write what there is, wait for it for at most ``timeout_s``."""
        self._stop.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _may_update(self) -> bool:
        held_up = self._stop.is_set() or self._paused.is_set()
        return not held_up and self._queue.qsize() <= BACKLOG

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            self._learn()
            self._run.end(self._stop.is_set)
        except Exception as caught:  # noqa: BLE001 - handed on to the node, which ends with it
            error = caught
            with contextlib.suppress(Exception):  # the first error is the one to tell
                self._run.end(lambda: True)
        self._ended(error)

    def _learn(self) -> None:
        self._run.begin()
        while not self._stop.is_set() and not self._run.finished:
            step = self._queue.get()
            if step is None:
                return
            if isinstance(step, int):
                self._report(step)
                continue
            self._run.digest(step, self._may_update)
            if self.checkpoint_asked.is_set():
                self.checkpoint_asked.clear()
                self._run.checkpoint()
            self._report(step.stamp_ns)
