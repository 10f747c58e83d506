"""The learner's worker thread: takes steps from a queue, so that receiving never waits for learning."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from vlmrl_ros.core.types import Step

if TYPE_CHECKING:
    from vlmrl_ros.nodes.learning_run import LearningRun

BACKLOG = 16
"""Steps in the queue beyond which they are stored without updates, until the worker has caught up."""
BAGS_LAG_S = 2.0
"""The recorder has written a step at most so long after it was lived."""


class Worker:
    """Owns the learning run: nothing else touches it after :meth:`start`."""

    def __init__(
        self,
        run: LearningRun,
        ready: Callable[[int], None],
        report: Callable[[int], None],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        """Prepare; :meth:`start` begins.

        Args:
            run: what learns.
            ready: called when new steps are wanted, with the stamp after which they are (ns; -1: from the first on).
            report: called with the stamp of each step that has been learned from or given up; at first with that of
                the newest one of a run that goes on, else 0.
            ended: called once at the end, with the error that ended it, if any.
        """
        self._run = run
        self._ready = ready
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
            self._run.begin()
        except Exception as caught:  # noqa: BLE001 - nothing has begun, and the directory stays as it is
            self._ended(caught)
            return
        try:
            self._learn()
        except Exception as caught:  # noqa: BLE001 - handed on to the node, which ends with it
            error = caught
        try:
            self._run.end(lambda: error is not None or self._stop.is_set())
        except Exception as caught:  # noqa: BLE001 - the first error is the one to tell
            error = error or caught
        self._ended(error)

    def _learn(self) -> None:
        run = self._run
        run.recover(self._stop.is_set)
        resumed_ns = run.newest_ns
        self._report(max(0, resumed_ns))  # whoever goes on with this run learns from it where it is
        if not run.finished:
            self._ready(resumed_ns)
        while not self._stop.is_set() and not run.finished:
            step = self._queue.get()
            if step is None:
                return
            if isinstance(step, int):
                self._report(step)
                continue
            if run.newest_ns == resumed_ns >= 0:
                self._catch_up(step)
            if run.finished:
                return
            run.digest(step, self._may_update)
            if self.checkpoint_asked.is_set():
                self.checkpoint_asked.clear()
                run.checkpoint()
            self._report(step.stamp_ns)

    def _catch_up(self, step: Step) -> None:
        """Before the first live step of a run that goes on: what was lived meanwhile is in the bags, or will be."""
        end_s = time.monotonic() + BAGS_LAG_S
        while not self._run.precedes(step) and time.monotonic() < end_s and not self._stop.wait(BAGS_LAG_S / 20):
            self._run.recover(self._stop.is_set, before=step)
