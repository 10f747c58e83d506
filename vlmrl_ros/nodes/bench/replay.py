"""Memory and speed of the replay with two 128x128 cameras, in memory and mapped from files."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlmrl_ros.core.replay import FramePair, Replay
from vlmrl_ros.core.segments import Ring, rings_on_disk
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.nodes.bench.figures import Figures

STEPS, QUICK_STEPS, LARGE_STEPS = 100_000, 10_000, 1_000_000
MARKS = {"bytes_ratio": (0.0, 1.1)}
EPISODE_STEPS = 80
WIDTHS = {"state": 21, "action": 3, "reward": 1, "bootstrap": 1, "next_state": 21}
CAMERAS = (CameraSpec("front", 128, 128), CameraSpec("wrist", 128, 128))
BATCH, DRAWS, STATE_DRAWS, SHIFT_PX = 256, 50, 2000, 4


def measure(quick: bool, work: Path) -> Figures:
    """Fill a replay as the learner does and sample from it; in memory, and again mapped from files in ``work``.

    Returns:
        ``bytes_ratio``: growth of the process's resident memory over the bytes of the raw frames; ``insert_us``: one
        transition beyond the copy of its new frames; ``sample_ms``: 256 transitions with the frames of both ends;
        ``sample_us``: 256 transitions of a replay without cameras, draw included; ``augment_ms``: the random shift of
        all frames in such a batch, in one thread; ``mapped.insert_us``, ``mapped.sample_ms``: from files, for 10,000
        steps; ``mapped.sample_us``: from a file of 1,000,000 steps without cameras (quick: 10,000). All are medians,
        ``.low`` and ``.high`` the middle 95 %.
    """
    steps = QUICK_STEPS if quick else STEPS
    rng = np.random.default_rng(0)
    pool = rng.integers(0, 256, (64, 128, 128, 3), dtype=np.uint8)
    before_bytes = _resident_bytes()
    replay = Replay(WIDTHS, steps, CAMERAS)
    insert_s = _fill(replay, steps, pool)
    grown = _resident_bytes() - before_bytes
    raw = steps * sum(c.height * c.width * 3 for c in CAMERAS)
    figures = {"bytes_ratio": grown / raw, "insert_us": (insert_s - _copy_s(pool)) * 1e6}
    figures |= _samples("", replay, steps, rng) | _spread("augment_ms", _shifts_s(pool), 1e3)
    del replay
    with rings_on_disk(work):
        replay = Replay(WIDTHS, QUICK_STEPS, CAMERAS)
        insert_s = _fill(replay, QUICK_STEPS, pool)
        figures["mapped.insert_us"] = (insert_s - _copy_s(pool)) * 1e6
        return figures | _samples("mapped.", replay, QUICK_STEPS if quick else LARGE_STEPS, rng)


def _samples(prefix: str, replay: Replay, steps: int, rng: np.random.Generator) -> Figures:
    """The sampling figures of a replay with cameras, and of one of the same kind without."""
    states = Replay(WIDTHS, steps)
    _fill(states, steps, None)
    with_frames, without = _sample_s(replay, rng), _sample_s(states, rng)
    return _spread(f"{prefix}sample_ms", with_frames, 1e3) | _spread(f"{prefix}sample_us", without, 1e6)


def _spread(name: str, times_s: Sequence[float], unit: float) -> Figures:
    """Median and middle 95 %, in units of 1 / ``unit`` s."""
    low, median, high = (float(np.quantile(times_s, q)) * unit for q in (0.025, 0.5, 0.975))
    return {name: median, f"{name}.low": low, f"{name}.high": high}


def _fill(replay: Replay, steps: int, pool: np.ndarray | None) -> float:
    """Median seconds of an insertion, with frames from the pool or without."""
    values = {name: np.zeros(width, np.float32) for name, width in WIDTHS.items()}
    times = np.empty(steps)
    for index in range(steps):
        episode, step = divmod(index, EPISODE_STEPS)
        pair = None
        if pool is not None:
            before, after = ({c.name: pool[k % len(pool)] for c in CAMERAS} for k in (index, index + 1))
            pair = FramePair(before, after, episode, step)
        started_s = time.perf_counter()
        replay.add(values, pair)
        times[index] = time.perf_counter() - started_s
    return float(np.median(times))


def _copy_s(pool: np.ndarray) -> float:
    """Median seconds to copy the new frames of a step into fresh room of the kind in force: no replay can spare it."""
    count = 10_000
    ring, times = Ring(count, (len(CAMERAS), *pool.shape[1:]), np.uint8).data, np.empty(count)
    for index in range(count):
        started_s = time.perf_counter()
        for camera in range(len(CAMERAS)):
            ring[index, camera] = pool[index % len(pool)]
        times[index] = time.perf_counter() - started_s
    return float(np.median(times))


def _sample_s(replay: Replay, rng: np.random.Generator) -> list[float]:
    """Seconds of each batch, with the frames of both ends where there are cameras."""
    rows = np.empty((BATCH, replay.layout.width), np.float32)
    shapes = {(c.name, end): (BATCH, c.height, c.width, 3) for c in replay.cameras for end in (False, True)}
    out = {of: np.empty(shape, np.uint8) for of, shape in shapes.items()}
    times = []
    for _ in range(DRAWS if out else STATE_DRAWS):
        started_s = time.perf_counter()
        slots = replay.draw(BATCH, rng)
        replay.rows(slots, out=rows)
        for (camera, after), buffer in out.items():
            replay.frames(slots, camera, after, out=buffer)
        times.append(time.perf_counter() - started_s)
    return times


def _shifts_s(pool: np.ndarray) -> list[float]:
    """Seconds of the random shift of the frames of a batch: both ends, each camera."""
    import torch

    from vlmrl_ros.policies.encoders.augmentation import random_shift

    torch.set_num_threads(1)
    frames = torch.from_numpy(np.concatenate([pool] * (BATCH // len(pool))))
    generator, times = torch.Generator().manual_seed(0), []
    for _ in range(20):
        started_s = time.perf_counter()
        for _ in range(2 * len(CAMERAS)):
            random_shift(frames, SHIFT_PX, generator)
        times.append(time.perf_counter() - started_s)
    return times


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
