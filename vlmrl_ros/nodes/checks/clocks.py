"""Do the clocks run evenly, and is the wall clock synchronised?"""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np

from vlmrl_ros.nodes.checks.finding import Finding, ok, warning

WATCH_S = 0.5
TICK_S = 0.002
JUMP_MS = 1.0
"""Wall and steady clock may drift so far apart while they are watched: far more than any slewing does."""
LATE_MS = 2.0
"""A timer may be late by so much, 99th percentile: a tenth of a tick at 50 Hz."""
UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of <sys/timex.h>."""


class _Timex(ctypes.Structure):
    """The head of ``struct timex``; the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def check() -> list[Finding]:
    """Watch both clocks and a timer for half a second; ask the kernel about NTP."""
    apart_ms, late_ms = watch(WATCH_S)
    return [_jumps(apart_ms), _timer(late_ms), _ntp()]


def watch(span_s: float) -> tuple[float, float]:
    """Wait in small ticks.

    Returns:
        how far wall and steady clock moved against each other, ms; how late a tick was, 99th percentile, ms.
    """
    differences: list[float] = []
    late: list[float] = []
    never = threading.Event()
    end_s = time.monotonic() + span_s
    while (begun_s := time.monotonic()) < end_s:
        differences.append(time.time() - begun_s)
        never.wait(TICK_S)
        late.append(time.monotonic() - begun_s - TICK_S)
    return float(np.ptp(differences)) * 1e3, float(np.percentile(late, 99)) * 1e3


def _jumps(apart_ms: float) -> Finding:
    text = f"wall and steady clock differ by {apart_ms:.3f} ms more after {WATCH_S:g} s"
    if apart_ms > JUMP_MS:
        return warning("jumps", text, "the wall clock is being set: let chrony slew it (makestep only at the start)")
    return ok("jumps", text)


def _timer(late_ms: float) -> Finding:
    text = f"a wait of {TICK_S * 1e3:g} ms is late by {late_ms:.2f} ms at the 99th percentile"
    if late_ms > LATE_MS:
        return warning(
            "timer", text, "the machine is busy or saves power: see 'compute'; ticks in real time will jitter"
        )
    return ok("timer", text)


def _ntp() -> Finding:
    state = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state)) < 0:
        return warning(
            "ntp", "the kernel does not tell", "run an NTP service where more than one machine stamps messages"
        )
    if state.status & UNSYNCHRONISED:
        fix = "needed only where several machines stamp messages: apt install chrony; then chronyc tracking"
        return warning("ntp", "the wall clock is not synchronised", fix)
    return ok("ntp", f"synchronised, error at most {state.maxerror / 1e3:.1f} ms")
