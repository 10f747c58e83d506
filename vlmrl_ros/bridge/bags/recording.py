"""Takes steps from a bounded queue to the disk in a thread of its own: whoever puts them in never waits."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from vlmrl_ros.bridge.bags.budget import NO_LIMIT, Budget, prune
from vlmrl_ros.bridge.bags.layout import episode_folder, episodes, number_of
from vlmrl_ros.bridge.bags.raw import RawStep
from vlmrl_ros.bridge.bags.repair import Tail, find_tail, repair_all
from vlmrl_ros.bridge.bags.writer import BagWriter, Opener, open_unbuffered
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.mcap import Topic
from vlmrl_ros.core.types import Feedback

RETRY_S = 1.0
"""A disk that refuses is asked again so often."""


class Recording:
    """Writes one bag an episode into a directory. Between two calls from outside everything belongs to its thread."""

    def __init__(
        self,
        directory: Path,
        topics: Mapping[str, Topic],
        queue_bytes: int,
        budget: Budget = NO_LIMIT,
        only_success: bool = False,
        enough: int = 0,
        opener: Opener = open_unbuffered,
    ) -> None:
        """Close what was left open and find the step to go on after; :meth:`start` begins.

        Args:
            directory: of episodes; made where it is missing.
            topics: descriptions of all topics, by name; may grow.
            queue_bytes: memory for steps that the disk has not taken.
            budget: of the directory.
            only_success: take the bag of an episode away that ends without success.
            enough: nothing more is written when so many episodes were kept; 0: no limit.
            opener: opens the bags' files.

        Raises:
            BagError: the directory cannot be written.
        """
        self.steps = self.dropped = self.nbytes = 0
        """Steps written, steps dropped because the disk did not take them in time, bytes written."""
        self.kept = self.discarded = 0
        """Episodes that ended and were kept, or taken away."""
        self._only_success, self._enough = only_success, enough
        self.found: list[str] = []
        """What there was to repair."""
        self._directory, self._topics, self._queue_bytes, self._budget = directory, topics, queue_bytes, budget
        self._opener = opener
        self._bag: BagWriter | None = None
        self._queue: deque[RawStep] = deque()
        self._queued = 0
        self._troubled = False
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)
        self._own_folders = [directory, *(parent for parent in directory.parents if not parent.exists())]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            repair_all(directory, self.found.append)
        except OSError as error:
            raise BagError(f"bags cannot be written to '{directory}': {error.strerror}") from error
        self._tail = find_tail(directory)
        self._newest_ns = self._tail.stamp_ns if self._tail else -1

    @property
    def newest_ns(self) -> int:
        """Stamp of the newest step that was taken, ns; -1 before the first."""
        return self._newest_ns

    @property
    def complete(self) -> bool:
        """As many episodes were kept as are wanted."""
        return 0 < self._enough <= self.kept

    def start(
        self, written: Callable[[int], None], ended: Callable[[Feedback], None], problem: Callable[[str], None]
    ) -> None:
        """Begin to write.

        Args:
            written: called by the thread with the stamp of each step that is in its bag.
            ended: called by the thread with the last step's feedback of each episode that has ended, its bag closed.
            problem: called by the thread with what is wrong, and with an empty text when it is well again.
        """
        self._written, self._ended, self._problem = written, ended, problem
        self._thread.start()

    def put(self, step: RawStep) -> bool:
        """Hand over the next step; returns at once, False when there is no room and the step is dropped."""
        with self._changed:
            self._newest_ns = step.stamp_ns
            room = not self._queue or self._queued + step.nbytes <= self._queue_bytes
            if room:
                self._queue.append(step)
                self._queued += step.nbytes
                self._changed.notify()
        if not room:
            self.dropped += 1
            if not self._troubled:
                self._say("the disk is too slow for the recording: steps are dropped")
        return room

    def stop(self, timeout_s: float) -> None:
        """Write what is left and close the bag, in at most ``timeout_s``; what the disk still refuses is dropped."""
        self._stopped.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while not self.complete and (step := self._take()) is not None:
            if not self._insist(partial(self._write, step)):
                self.dropped += 1
                continue
            self._written(step.stamp_ns)
            if self._troubled and not self._queue:
                self._say("")
            if step.feedback.last:
                self._insist(self._end_bag)
                self._settle(step.feedback)
        cut_off = self._bag is not None and self._bag.messages > 0
        if not self._insist(self._end_bag) and self._bag is not None:
            self._bag.abandon()
        elif cut_off and self._only_success:
            self._take_away()
        with contextlib.suppress(OSError):  # unless nothing was recorded
            for folder in self._own_folders:
                folder.rmdir()

    def _take(self) -> RawStep | None:
        """The next step; None at the end."""
        with self._changed:
            while not self._queue:
                if self._stopped.is_set():
                    return None
                self._changed.wait()
            step = self._queue.popleft()
            self._queued -= step.nbytes
            return step

    def _insist(self, action: Callable[[], None]) -> bool:
        """Do it, as often as it takes; once more at the end, then give up with False."""
        while True:
            ending = self._stopped.is_set()
            try:
                action()
            except OSError as error:
                self._say(f"recording waits: '{self._directory}' cannot be written: {error.strerror}")
                if ending:
                    return False
                self._stopped.wait(RETRY_S)
            else:
                return True

    def _say(self, problem: str) -> None:
        self._troubled = bool(problem)
        self._problem(problem)

    def _write(self, step: RawStep) -> None:
        bag = self._bag_for(step)
        heads = () if bag.messages else step.heads
        before = bag.bytes_written
        bag.write([*heads, *step.messages], self._topics)
        self.steps += 1
        self.nbytes += bag.bytes_written - before
        self._tail = Tail(number_of(bag.folder), step.stamp_ns, step.feedback)

    def _bag_for(self, step: RawStep) -> BagWriter:
        """The open bag, or the one that was left in the middle of the episode, or a new one."""
        goes_on = self._tail is not None and self._tail.goes_on_with(step.feedback)
        if self._bag is not None and not goes_on and self._bag.messages:
            self._end_bag()
        if self._bag is None:
            self._bag = self._reopened() if goes_on else None
            self._bag = self._bag or BagWriter(episode_folder(self._directory, self._free(step)), self._opener)
        return self._bag

    def _reopened(self) -> BagWriter | None:
        assert self._tail is not None
        try:
            return BagWriter(episode_folder(self._directory, self._tail.number), self._opener)
        except BagError:
            return None

    def _free(self, step: RawStep) -> int:
        """A number beyond those of all folders; the episode's own where it can be."""
        numbers = [number_of(folder) for folder in episodes(self._directory)]
        return max(step.feedback.episode, max(numbers, default=-1) + 1)

    def _settle(self, end: Feedback) -> None:
        """Keep the bag of an episode that has ended, or take it away."""
        keep = end.success or not self._only_success
        if not keep:
            self._take_away()
        self.kept += keep
        self.discarded += not keep
        self._ended(end)

    def _take_away(self) -> None:
        """Remove the bag with the newest step."""
        assert self._tail is not None
        shutil.rmtree(episode_folder(self._directory, self._tail.number), ignore_errors=True)

    def _end_bag(self) -> None:
        if self._bag is not None:
            self._bag.close()
            self._bag = None
        prune(self._directory, self._budget)
