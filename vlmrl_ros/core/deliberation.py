"""One robot whose policy thinks longer than a control step: which motion is under way, and what waits for an answer."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Feedback, Observation, state_of
from vlmrl_ros.core.vocabulary import Drive, Motion


@dataclass(frozen=True)
class Tick:
    """An observation to be answered.

    Attributes:
        stamp_ns: its stamp, ns.
        observation: what was seen.
        feedback: outcome of arriving there.
        received_s: when it was complete, on a steady clock, s.
    """

    stamp_ns: int
    observation: Observation
    feedback: Feedback
    received_s: float


class Deliberation:
    """Every observation is answered once: by the motion under way, by a new one, or by whoever holds the arm meanwhile.

    Of what is decided only that counts whose observation came after the last reset, the last takeover, and the time at
    which the motion under way was decided on.
    """

    def __init__(self, longest_s: float) -> None:
        """Begin without a motion.

        Args:
            longest_s: a decision on an observation older than this is dropped, s.
        """
        self._longest_s = longest_s
        self._drive: Drive | None = None
        self.decided_ns = -1
        """Stamp of the observation on which the newest motion was decided, ns."""
        self._after_ns = self._settled_ns = self._newest_ns = -1
        self._episode = -1
        self.waiting: Tick | None = None
        """Has no answer yet."""

    def arrive(self, tick: Tick) -> FloatArray | None:
        """Take the next observation.

        Returns:
            the next action of the motion under way, float32 (A,); None where there is none: then the observation waits
            for :meth:`decide` or :meth:`expire`.
        """
        if tick.feedback.episode != self._episode or tick.feedback.step == 0:
            self._episode = tick.feedback.episode
            self.flush(tick.stamp_ns - 1)
        self._newest_ns = tick.stamp_ns
        action = self._next(tick)
        self.waiting = tick if action is None else None
        return action

    def decide(self, asked: Tick, motion: Motion | None, now_s: float) -> tuple[Tick, FloatArray] | None:
        """Take what was decided on an observation.

        Args:
            asked: the observation.
            motion: what to do; None: nothing.
            now_s: the time, on the clock of the ticks, s.

        Returns:
            the observation that waited, which may be a later one, and its action; None where none waits or the decision
            does not count.
        """
        if not self.counts(asked, now_s) or motion is None:
            return None
        self._drive, self.decided_ns, self._settled_ns = motion.begin(), asked.stamp_ns, self._newest_ns
        if self.waiting is None:
            return None
        tick, self.waiting = self.waiting, None
        action = self._next(tick)
        if action is None:
            self.waiting = tick
            return None
        return tick, action

    def counts(self, asked: Tick, now_s: float) -> bool:
        """Whether a decision on this observation is still worth something."""
        settled_ns = max(self._after_ns, self._settled_ns)
        return asked.stamp_ns > settled_ns and now_s - asked.received_s <= self._longest_s

    def expire(self, stamp_ns: int) -> Tick | None:
        """Give up waiting for an answer to an observation; returns it, unless it has been answered."""
        if self.waiting is None or self.waiting.stamp_ns != stamp_ns:
            return None
        tick, self.waiting = self.waiting, None
        return tick

    def flush(self, stamp_ns: int) -> bool:
        """Forget what is decided on observations up to this stamp, also later; returns whether a motion was dropped."""
        self._after_ns = max(self._after_ns, stamp_ns)
        dropped = self._drive is not None and self.decided_ns <= self._after_ns
        if dropped:
            self._drive = None
        return dropped

    def _next(self, tick: Tick) -> FloatArray | None:
        action = self._drive(state_of(tick.observation)) if self._drive is not None else None
        if action is None:
            self._drive = None
        return action
