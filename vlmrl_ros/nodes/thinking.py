"""The threads in which a policy thinks and takes new weights, so that receiving never waits for either."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.thinker import Decision, Question, Thinker


@dataclass(frozen=True)
class Thought:
    """What came of a question.

    Attributes:
        decision: of the policy; None where it met a defect.
        version: of the weights that it had.
        seconds: how long it took, together with those that were answered with it.
        defect: of the policy.
    """

    decision: Decision | None
    version: int
    seconds: float
    defect: Exception | None = None


Answered = Callable[[Thought], None]


class Thinking:
    """Questions of several robots, of each the newest alone, are answered together as soon as the policy is free.

    Callbacks come from the threads; they hand on and return.
    """

    def __init__(self, thinker: Thinker, most: int, loaded: Callable[[Weights, Exception | None], None]) -> None:
        """Prepare; :meth:`start` begins.

        Args:
            thinker: the policy; nothing else touches it after the start.
            most: questions that are answered together.
            loaded: called when weights are ready, so that every later question is answered with them, or with the
                error that kept them out.
        """
        self._thinker, self._most, self._loaded = thinker, most, loaded
        self._asked: dict[Hashable, tuple[Question, Answered]] = {}
        self._ready: tuple[Weights, Any] | None = None
        self._version = 0
        self._change = threading.Condition()
        self._stopped = False
        self._weights: queue.SimpleQueue[Weights | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("thinking", self._think), ("weights", self._load))
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """End; a batch under way is waited for, for at most ``timeout_s``."""
        with self._change:
            self._stopped = True
            self._asked.clear()
            self._change.notify()
        self._weights.put(None)
        end_s = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end_s - time.monotonic()))

    def ask(self, robot: Hashable, question: Question, answered: Answered) -> bool:
        """Put a question; returns whether it takes the place of an older one of the robot, which gets no answer."""
        with self._change:
            replaced = robot in self._asked
            self._asked[robot] = question, answered
            self._change.notify()
        return replaced

    def withdraw(self, robot: Hashable) -> bool:
        """Take back a question that nobody has begun to think about; returns whether there was one."""
        with self._change:
            return self._asked.pop(robot, None) is not None

    def load(self, weights: Weights) -> None:
        """Take new weights as soon as they are ready; returns at once."""
        self._weights.put(weights)

    def _think(self) -> None:
        while (batch := self._next()) is not None:
            thoughts = self._thoughts([question for question, _ in batch])
            for (_, answered), thought in zip(batch, thoughts, strict=True):
                answered(thought)

    def _thoughts(self, questions: Sequence[Question]) -> list[Thought]:
        """Answer questions; where together they meet a defect each is put alone, so that it keeps to its own."""
        begun_s = time.perf_counter()
        decisions: Sequence[Decision | None] = [None] * len(questions)
        defect: Exception | None = None
        try:
            self._take()
            decisions = self._thinker.think(questions)
        except Exception as error:  # noqa: BLE001 - a defect of the policy: handed on, and the thread lives
            if len(questions) > 1:
                return [thought for question in questions for thought in self._thoughts([question])]
            defect = error
        seconds = time.perf_counter() - begun_s
        return [Thought(decision, self._version, seconds, defect) for decision in decisions]

    def _next(self) -> list[tuple[Question, Answered]] | None:
        """Wait for questions; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._asked or self._stopped)
            if self._stopped:
                return None
            robots = list(self._asked)[: self._most]
            return [self._asked.pop(robot) for robot in robots]

    def _take(self) -> None:
        with self._change:
            ready, self._ready = self._ready, None
        if ready is not None:
            self._thinker.take(ready[1])
            self._version = ready[0].version

    def _load(self) -> None:
        while (weights := self._weights.get()) is not None:
            while not self._weights.empty():  # of several that wait the newest counts
                newer = self._weights.get()
                if newer is None:
                    return
                weights = newer
            error: Exception | None = None
            try:
                prepared = self._thinker.prepare(weights.variables)
            except Exception as caught:  # noqa: BLE001 - handed on; the old weights stay in force
                error = caught
            else:
                with self._change:
                    self._ready = weights, prepared
            self._loaded(weights, error)
