"""Those who follow a bridge in lockstep, and for whom it waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping


class Followers:
    """How far each of them is, and who is too far behind."""

    def __init__(self, dt_ns: int, lags: Mapping[str, int]) -> None:
        """Nobody has answered yet.

        Args:
            dt_ns: length of a control step, ns.
            lags: follower to the control steps that it may be behind, the first of them first; below 0: it is not
                waited for.
        """
        self._dt_ns, self._lags = dt_ns, dict(lags)
        self._done_ns = dict.fromkeys(self._lags, 0)

    def go_on(self, stamp_ns: int) -> None:
        """All of them are done with a step, by its stamp, ns, from which a run goes on."""
        self._done_ns = dict.fromkeys(self._lags, stamp_ns)

    def hear(self, follower: str, stamp_ns: int) -> None:
        """It is done with a step."""
        self._done_ns[follower] = max(self._done_ns[follower], stamp_ns)

    def has_answered(self, follower: str) -> bool:
        """Whether it was ever done with a step."""
        return self._done_ns[follower] > 0

    def behind(self, stamp_ns: int) -> str | None:
        """Who is too far behind for the step with this stamp, ns, to come; None where nobody is."""
        for follower, lag in self._lags.items():
            if lag >= 0 and self._done_ns[follower] < stamp_ns - (1 + lag) * self._dt_ns:
                return follower
        return None
