"""Where a bridge goes on that takes the place of a dead one. Pure.

The learner says on ``learner/status`` how far the run is. Stamps never go back within a run, and no two steps of it
bear the same stamp: the dead bridge may have published steps that the learner has not learned from yet, so the new one
begins far enough ahead of all of them, with a new episode.
"""

from __future__ import annotations

from dataclasses import dataclass

JUMP_NS = 30_000_000_000
"""Greater than what a bridge may be ahead of the learner, and less than what a join takes for another time."""
QUIET_S = 0.5
"""What the learner still had to learn from has come by then."""


@dataclass(frozen=True)
class Place:
    """Where a run is.

    Attributes:
        stamp_ns: of the newest step that the learner has learned from or given up; 0 before the first.
        episode: of that step; -1 before the first.
        last: it was the last of its episode.
        demonstrations: successful ones so far.
    """

    stamp_ns: int
    episode: int
    last: bool
    demonstrations: int


class Continuation:
    """Waits until the learner has said where the run is, and no more follows."""

    def __init__(self, dt_ns: int, in_sync: bool) -> None:
        """Nothing is known yet.

        Args:
            dt_ns: length of a control step, ns.
            in_sync: the bridge waits for the learner at every step. Then a run that stopped at the end of an episode
                goes on with the very next stamp, as if it had never stopped: beyond it nobody has seen a step, or it
                was this very one.
        """
        self._dt_ns = dt_ns
        self._in_sync = in_sync
        self._place: Place | None = None
        self._heard_s = 0.0

    def hear(self, place: Place, now_s: float) -> None:
        """Take what the learner says; ``now_s``: steady clock, s."""
        if place != self._place:
            self._heard_s = now_s
        self._place = place

    def begin(self, now_s: float) -> tuple[int, int] | None:
        """Stamp in ns and episode of the step to go on with; None while that is not known."""
        place = self._place
        if place is None or now_s - self._heard_s < QUIET_S:
            return None
        follows = place.episode < 0 or (place.last and self._in_sync)
        return place.stamp_ns + (self._dt_ns if follows else JUMP_NS // self._dt_ns * self._dt_ns), place.episode + 1
