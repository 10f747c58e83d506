"""The learner's worker thread: takes steps from a queue, so that receiving never waits for learning."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from vlmrl_ros.core.rounds import Rounds

BACKLOG = 16
"""Steps of each arm in the queue beyond which they are stored without updates, until the worker has caught up."""
BAGS_LAG_S = 2.0
"""The recorder has written a step at most so long after it was lived."""
PAUSE_S = 0.1
"""How often a run in which no robot moves looks whether its pause is over."""


class Run(Protocol):
    """What learns, from the steps of an arm (``LearningRun``) or of a text task (``TextRun``)."""

    finished: bool
    """All that was planned is done."""
    without_robot: bool
    """All that is learned from has been lived before."""

    @property
    def newest_ns(self) -> tuple[int, ...]:
        """Stamp of the newest step of each arm that was learned from, ns; -1 where there is none."""

    @property
    def pretraining(self) -> bool:
        """The updates before the first step are not all made."""

    def begin(self) -> None:
        """Open the files."""

    def pretrain(self) -> None:
        """Make one of the updates before the first step."""

    def rehearse(self, go_on: Callable[[], bool]) -> None:
        """Do what is due at a step that nobody lives."""

    def recover(self, stopped: Callable[[], bool], arm: int | None = None, before: Any = None) -> None:
        """Learn from what was lived and not learned from, then publish the weights of that moment."""

    def precedes(self, step: Any, arm: int = 0) -> bool:
        """The arm lived through nothing between its newest step and this one."""

    def digest(self, step: Any, go_on: Callable[[], bool], arm: int = 0) -> None:
        """Learn from one step of an arm; ``go_on`` is asked before each update."""

    def checkpoint(self) -> None:
        """Take a checkpoint."""

    def end(self, interrupted: Callable[[], bool]) -> None:
        """Leave everything whole."""


class Worker:
    """Owns the learning run: nothing else touches it after :meth:`start`."""

    def __init__(
        self,
        run: Run,
        ready: Callable[[Sequence[int]], None],
        report: Callable[[int, int], None],
        ended: Callable[[BaseException | None], None],
        arms: int = 1,
        in_turn: bool = False,
        waits: bool = False,
    ) -> None:
        """Prepare; :meth:`start` begins.

        Args:
            run: what learns.
            ready: called when new steps are wanted, with the stamp for each arm after which they are (ns; -1: from the
                first on).
            report: called with the number of the arm and the stamp of each step that has been learned from or given up;
                at first, for each arm, with that of the newest one of a run that goes on, else 0.
            ended: called once at the end, with the error that ended it, if any.
            arms: how many.
            in_turn: learn from one step of each arm in turn, see :class:`Rounds`.
            waits: whoever plays may be kept waiting: then no update is left for later, and a pause holds everything up.
        """
        self._run = run
        self._ready = ready
        self._report = report
        self._ended = ended
        self._arms = range(arms)
        self._waits = waits
        self._rounds: Rounds[Any] = Rounds(arms, in_turn)
        self._queue: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._paused = threading.Event()
        self.checkpoint_asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name="learner-worker", daemon=True)

    def start(self) -> None:
        """Begin to learn."""
        self._thread.start()

    def put(self, step: Any, arm: int = 0) -> None:
        """Hand over a step of an arm; returns at once."""
        self._queue.put((arm, step))

    def skip(self, stamp_ns: int, arm: int = 0) -> None:
        """Report a step that never became whole, so that a bridge in lockstep does not wait for it."""
        self._queue.put((arm, stamp_ns))

    def pause(self, paused: bool) -> None:
        """Keep storing steps but make no updates while paused."""
        (self._paused.set if paused else self._paused.clear)()

    def stop(self, timeout_s: float) -> bool:
        """End early: write what there is, wait for it for at most ``timeout_s``; returns whether that was enough."""
        self._stop.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _may_update(self) -> bool:
        while self._waits and self._paused.is_set() and not self._stop.is_set():
            self._stop.wait(PAUSE_S)
        if self._waits:
            return not self._stop.is_set()
        held_up = self._stop.is_set() or self._paused.is_set()
        return not held_up and self._queue.qsize() <= BACKLOG * len(self._arms)

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            self._run.begin()
        except Exception as caught:  # noqa: BLE001 - nothing has begun, and the directory stays as it is
            self._ended(caught)
            return
        try:
            (self._rehearse if self._run.without_robot else self._learn)()
        except Exception as caught:  # noqa: BLE001 - handed on to the node, which ends with it
            error = caught
        try:
            self._run.end(lambda: error is not None or self._stop.is_set())
        except Exception as caught:  # noqa: BLE001 - the first error is the one to tell
            error = error or caught
        self._ended(error)

    def _learn(self) -> None:
        run = self._run
        self._pretrain()
        if self._stop.is_set():
            return
        run.recover(self._stop.is_set)
        self._resumed_ns = run.newest_ns
        self._tell(enumerate(run.newest_ns))  # whoever goes on with this run learns from it where it is
        if not run.finished:
            self._ready(self._resumed_ns)
        while not self._stop.is_set() and not run.finished:
            taken = self._queue.get()
            if taken is None:
                return
            done = [(arm, self._digest(arm, item)) for arm, item in self._rounds.put(*taken) if not run.finished]
            self._tell(enumerate(run.newest_ns) if run.finished else done)  # the end concerns every arm

    def _pretrain(self) -> None:
        """Make the updates before the first step; no robot moves meanwhile, for it waits for the learner's status."""
        while self._run.pretraining and not self._stop.is_set():
            if self._paused.is_set():
                self._stop.wait(PAUSE_S)
            else:
                self._run.pretrain()

    def _rehearse(self) -> None:
        """Learn without a robot."""
        run = self._run
        while not self._stop.is_set() and not run.finished:
            if self._paused.is_set():
                self._stop.wait(PAUSE_S)
                continue
            run.rehearse(lambda: not self._stop.is_set())
            self._checkpoint_if_asked()
            self._tell(enumerate(run.newest_ns))

    def _tell(self, places: Iterable[tuple[int, int]]) -> None:
        for arm, stamp_ns in places:
            self._report(arm, max(0, stamp_ns))

    def _digest(self, arm: int, item: Any) -> int:
        """Learn from a step, or note the stamp of one that never became whole; returns its stamp, ns."""
        if isinstance(item, int):
            return item
        run = self._run
        if run.newest_ns[arm] == self._resumed_ns[arm] >= 0:
            self._catch_up(arm, item)
        if not run.finished:
            run.digest(item, self._may_update, arm)
        self._checkpoint_if_asked()
        return int(item.stamp_ns)

    def _checkpoint_if_asked(self) -> None:
        if self.checkpoint_asked.is_set():
            self.checkpoint_asked.clear()
            self._run.checkpoint()

    def _catch_up(self, arm: int, step: Any) -> None:
        """Before the first live step of an arm that goes on: what it lived meanwhile is in the bags, or will be."""
        run, end_s = self._run, time.monotonic() + BAGS_LAG_S
        while not run.precedes(step, arm) and time.monotonic() < end_s and not self._stop.wait(BAGS_LAG_S / 20):
            run.recover(self._stop.is_set, arm, before=step)
