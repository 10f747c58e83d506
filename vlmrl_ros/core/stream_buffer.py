"""The newest of a topic, with a judgement of its age. Pure: clocks are arguments.

Two clocks judge: the steady clock when a value was received (did the sender fall silent?), and the stamp in its header
against this machine's clock (was it old when it came?). Both must agree that a value is fresh. So a clock that jumps,
on either side, can make values missing, never make old ones pass as fresh.
"""

from __future__ import annotations

import enum
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vlmrl_ros.core.errors import ConfigError

V = TypeVar("V")

AHEAD_NS = 50_000_000
"""A stamp may be so far ahead of this machine's clock, ns: clocks that are synchronised differ by less."""


class Policy(str, enum.Enum):
    """Which value a stream stands for at a tick."""

    HOLD = "hold"
    """The newest one, again and again while it is fresh."""
    AS_OF = "as_of"
    """The newest one that is not younger than the tick."""
    DROP = "drop"
    """The newest one, once; then it is missing until another comes."""


class Verdict(str, enum.Enum):
    """What became of a value that was put in."""

    KEPT = "kept"
    OLD = "old"
    """Its stamp was beyond the age limit when it came."""
    AHEAD = "ahead"
    """Its stamp is in the future: the sender's clock is not synchronised with this machine's."""
    REBASED = "rebased"
    """Kept; its stamp went back although it is fresh: a clock was set back, and what was there is forgotten."""


@dataclass(frozen=True, order=True)
class Stamped(Generic[V]):
    """A value with its stamp and its time of receipt, ns on the wall and on the steady clock."""

    stamp_ns: int
    received_ns: int
    value: V


class StreamBuffer(Generic[V]):
    """Keeps the fresh values of one topic in order of stamp, as many as the age limit and ``size`` allow."""

    def __init__(self, age_limit_s: float, policy: Policy = Policy.HOLD, size: int = 64) -> None:
        """Begin with nothing.

        Args:
            age_limit_s: older values, by receipt or by stamp, are missing.
            policy: which value a tick gets.
            size: most values kept.

        Raises:
            ConfigError: an age limit that is not above 0, or a size below 1.
        """
        if not age_limit_s > 0 or size < 1:
            raise ConfigError(f"age_limit_s is {age_limit_s:g} and size {size}; valid: above 0, and 1 or more")
        self._limit_ns = round(age_limit_s * 1e9)
        self._policy = policy
        self._size = size
        self._values: list[Stamped[V]] = []
        self._used_ns: int | None = None
        self.counts = dict.fromkeys(Verdict, 0)
        """How many values met each verdict."""

    def put(self, stamp_ns: int, value: V, now_ns: int, steady_ns: int) -> Verdict:
        """Take one value.

        Args:
            stamp_ns: of its header, ns.
            value: anything.
            now_ns: this machine's wall clock, ns, the clock of the stamps.
            steady_ns: steady clock, ns.

        Returns:
            what became of it; ``OLD`` and ``AHEAD`` are not kept.
        """
        verdict = self._judge(stamp_ns, now_ns)
        self.counts[verdict] += 1
        if verdict in (Verdict.OLD, Verdict.AHEAD):
            return verdict
        if verdict is Verdict.REBASED:
            self.clear()
        insort(self._values, Stamped(stamp_ns, steady_ns, value), key=lambda kept: kept.stamp_ns)
        del self._values[: -self._size]
        return verdict

    def get(self, tick_ns: int, now_ns: int, steady_ns: int) -> Stamped[V] | None:
        """The value at a tick, as the policy says; None where none is fresh.

        Args:
            tick_ns: stamp of the tick, ns, which ``as_of`` looks back from.
            now_ns: this machine's wall clock, ns.
            steady_ns: steady clock, ns.
        """
        fresh = self._fresh(now_ns, steady_ns)
        if self._policy is Policy.AS_OF:
            fresh = [kept for kept in fresh if kept.stamp_ns <= tick_ns]
        if not fresh:
            return None
        newest = fresh[-1]
        if self._policy is Policy.DROP:
            if self._used_ns is not None and newest.stamp_ns <= self._used_ns:
                return None
            self._used_ns = newest.stamp_ns
        return newest

    def since(self, stamp_ns: int, now_ns: int, steady_ns: int) -> Sequence[Stamped[V]]:
        """The fresh values with stamps above ``stamp_ns``, oldest first."""
        return [kept for kept in self._fresh(now_ns, steady_ns) if kept.stamp_ns > stamp_ns]

    def clear(self) -> None:
        """Forget all values; the counts stay."""
        self._values.clear()
        self._used_ns = None

    def _fresh(self, now_ns: int, steady_ns: int) -> list[Stamped[V]]:
        return [kept for kept in self._values if self._is_fresh(kept, now_ns, steady_ns)]

    def _is_fresh(self, kept: Stamped[V], now_ns: int, steady_ns: int) -> bool:
        by_receipt = steady_ns - kept.received_ns <= self._limit_ns
        return by_receipt and -AHEAD_NS <= now_ns - kept.stamp_ns <= self._limit_ns

    def _judge(self, stamp_ns: int, now_ns: int) -> Verdict:
        age_ns = now_ns - stamp_ns
        if age_ns > self._limit_ns:
            return Verdict.OLD
        if age_ns < -AHEAD_NS:
            return Verdict.AHEAD
        newest_ns = self._values[-1].stamp_ns if self._values else stamp_ns
        return Verdict.REBASED if newest_ns - now_ns > AHEAD_NS else Verdict.KEPT
