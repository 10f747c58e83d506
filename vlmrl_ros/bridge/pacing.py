"""The ticks of a bridge in real time: on time although other processes want the same cores, and watched."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from vlmrl_ros.bridge.diagnostics import Diagnostics
from vlmrl_ros.core.pace import Pace

PRIORITY = 1
"""The lowest real-time priority: before everything ordinary, behind everything that somebody has put before it."""
_NEEDED = ("dds.", "llvmpipe")
"""Begin of the names of threads that a tick waits for: Fast DDS receives and sends in some, Mesa draws in the others
where there is no graphics card.
"""


class PacedTicks:
    """Gives the calling thread real-time priority where it may, and shows in diagnostics how well it keeps time.

    Without the priority a wake-up waits behind whoever computes on the core, which costs milliseconds. The threads that
    receive have it too: else a tick is on time and reads what is old. So have those that draw: else it waits for them.
    """

    def __init__(self, diagnostics: Diagnostics, period_s: float) -> None:
        """Begin at the first tick; threads that come later have no priority.

        Args:
            diagnostics: of the node.
            period_s: time between ticks, s.
        """
        self._diagnostics = diagnostics
        self._pace = Pace(period_s)
        diagnostics.value("realtime_priority", _ask_for_priority())

    def tick(self) -> None:
        """One tick comes now."""
        self._pace.tick(time.monotonic())
        self._diagnostics.value("jitter_p99_ms", f"{self._pace.jitter_p99_s() * 1e3:.3f}")
        self._diagnostics.value("missed_ticks", self._pace.missed)


def _ask_for_priority() -> str:
    """Class SCHED_FIFO for this thread and those that it needs, no other; returns what came of it."""
    needed = [task.parent.name for task in Path("/proc/self/task").glob("*/comm") if _is_needed(task)]
    try:
        for thread in (0, *map(int, needed)):
            with suppress(ProcessLookupError):
                os.sched_setscheduler(thread, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except PermissionError:
        return "no: this user may not have it; allow it with 'rtprio' in /etc/security/limits.d"
    return "yes"


def _is_needed(comm: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return comm.read_text(encoding="utf-8").startswith(_NEEDED)
    return False
