"""Memory and speed of the replay with two 128x128 cameras."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np

from vlmrl_ros.core.replay import FramePair, Replay
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.nodes.bench.figures import Figures

STEPS, QUICK_STEPS = 100_000, 10_000
EPISODE_STEPS = 80
WIDTHS = {"state": 21, "action": 3, "reward": 1, "bootstrap": 1, "next_state": 21}
CAMERAS = (CameraSpec("front", 128, 128), CameraSpec("wrist", 128, 128))
BATCH, DRAWS = 256, 50


def measure(quick: bool, work: Path) -> Figures:
    """Fill a replay as the learner does and sample from it.

    Returns:
        ``bytes_ratio``: growth of the process's resident memory over the bytes of the raw frames; ``insert_us``: one
        transition beyond the copy of its new frames; ``sample_ms``: 256 transitions with the frames of both ends;
        ``sample_state_us``: 256 transitions without frames, draw included.
    """
    steps = QUICK_STEPS if quick else STEPS
    rng = np.random.default_rng(0)
    pool = rng.integers(0, 256, (64, 128, 128, 3), dtype=np.uint8)
    before_bytes = _resident_bytes()
    replay = Replay(WIDTHS, steps, CAMERAS)
    insert_s = _fill(replay, steps, pool)
    grown = _resident_bytes() - before_bytes
    raw = steps * sum(c.height * c.width * 3 for c in CAMERAS)
    copy_s = _copy_s(pool)
    return {
        "bytes_ratio": grown / raw,
        "insert_us": (insert_s / steps - copy_s) * 1e6,
        "sample_ms": _sample_s(replay, rng, frames=True) * 1e3,
        "sample_state_us": _sample_s(replay, rng, frames=False) * 1e6,
    }


def _fill(replay: Replay, steps: int, pool: np.ndarray) -> float:
    """Seconds of all insertions."""
    values = {name: np.zeros(width, np.float32) for name, width in WIDTHS.items()}
    spent_s = 0.0
    for index in range(steps):
        episode, step = divmod(index, EPISODE_STEPS)
        before = {c.name: pool[index % len(pool)] for c in CAMERAS}
        after = {c.name: pool[(index + 1) % len(pool)] for c in CAMERAS}
        started_s = time.perf_counter()
        replay.add(values, FramePair(before, after, episode, step))
        spent_s += time.perf_counter() - started_s
    return spent_s


def _copy_s(pool: np.ndarray) -> float:
    """Seconds to copy the new frames of one step into fresh memory, which no replay can do without."""
    count = 2000
    ring = np.empty((count, len(CAMERAS), *pool.shape[1:]), np.uint8)
    started_s = time.perf_counter()
    for index in range(count):
        for camera in range(len(CAMERAS)):
            ring[index, camera] = pool[index % len(pool)]
    return (time.perf_counter() - started_s) / count


def _sample_s(replay: Replay, rng: np.random.Generator, frames: bool) -> float:
    """Median seconds of one batch."""
    rows = np.empty((BATCH, replay.layout.width), np.float32)
    out = {(c.name, end): np.empty((BATCH, c.height, c.width, 3), np.uint8) for c in CAMERAS for end in (False, True)}
    times = []
    for _ in range(DRAWS):
        started_s = time.perf_counter()
        slots = replay.draw(BATCH, rng)
        replay.rows(slots, out=rows)
        if frames:
            for (camera, after), buffer in out.items():
                replay.frames(slots, camera, after, out=buffer)
        times.append(time.perf_counter() - started_s)
    return float(np.median(times))


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
