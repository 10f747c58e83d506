"""Is there room for runs, and is it written fast enough?"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from vlmrl_ros.nodes.checks.finding import Finding, failed, ok, warning

GIB = 2**30
LOW, ALMOST_FULL = 10 * GIB, GIB
WRITTEN = 64 * 2**20
"""Bytes that are written to measure."""
SLOW_MIB_S = 50.0
"""Two cameras of 640x480 at 20 Hz are 35 MiB/s."""


def check(runs: Path) -> list[Finding]:
    """Free space and speed of the directory that runs go into, or of the nearest one that exists above it."""
    place = runs.resolve()
    while not place.is_dir():
        if place.exists():
            return [failed("runs", f"{place} is no directory", "choose another directory with run_dir:=")]
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return [failed("runs", f"{place} may not be written", "choose another directory with run_dir:=")]
    free = shutil.disk_usage(place).free
    return [_space(place, free), *([_speed(place)] if free > 2 * WRITTEN else [])]


def _space(place: Path, free: int) -> Finding:
    text, fix = f"{free / GIB:.1f} GiB free in {place}", "delete old runs, or give run_dir:= on another disk"
    if free < ALMOST_FULL:
        return failed("space", text, fix)
    return warning("space", text, fix) if free < LOW else ok("space", text)


def _speed(place: Path) -> Finding:
    """Write once, through to the disk, as the recorder does."""
    block = os.urandom(2**20)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            started_s = time.perf_counter()
            for _ in range(WRITTEN // len(block)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            speed = WRITTEN / 2**20 / (time.perf_counter() - started_s)
    except OSError as error:
        return failed("speed", f"{place} cannot be written: {error}", "choose another directory with run_dir:=")
    text = f"{speed:.0f} MiB/s to disk"
    if speed < SLOW_MIB_S:
        return warning("speed", text, "camera bags may fall behind and drop: use a faster disk, or record:=false")
    return ok("speed", text)
