"""Statistics as LeRobot keeps them: of each episode, and of all, by which its policies normalise.

Source: huggingface/lerobot, ``src/lerobot/datasets/compute_stats.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
MOST_FRAMES = 100
"""Frames of an episode that are looked at, evenly spread."""

Stats = dict[str, npt.NDArray[Any]]
"""``min``, ``max``, ``mean``, ``std``, ``q01`` to ``q99`` of each component, and ``count``."""


def number_stats(values: npt.NDArray[Any]) -> Stats:
    """Of a column (frames,) or (frames, N); each statistic is float64 (N,), ``count`` int64 (1,)."""
    return _stats(values.reshape(len(values), -1).astype(np.float64), len(values))


def frame_stats(frames: Sequence[npt.NDArray[np.uint8]]) -> Stats:
    """Of frames, uint8 (H, W, 3); each statistic is float64 (3, 1, 1) in [0, 1]."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).astype(int))
    pixels = np.stack([frames[index] for index in chosen]).reshape(-1, 3) / 255.0
    found = _stats(pixels, len(chosen))
    return {name: value if name == "count" else value.reshape(3, 1, 1) for name, value in found.items()}


def merge(several: Sequence[Stats]) -> Stats:
    """Of all episodes. Quantiles are bounds: the least of the low ones, the greatest of the high ones."""
    counts = np.stack([stats["count"] for stats in several]).astype(np.float64)
    shape = (len(several), *[1] * several[0]["mean"].ndim)
    weights = (counts / counts.sum()).reshape(shape)
    mean = (np.stack([stats["mean"] for stats in several]) * weights).sum(0)
    spread = np.stack([stats["std"] ** 2 + (stats["mean"] - mean) ** 2 for stats in several])
    low = ["min", *(_name(q) for q in QUANTILES if q <= 0.5)]
    high = ["max", *(_name(q) for q in QUANTILES if q > 0.5)]
    return {
        **{name: np.min([stats[name] for stats in several], 0) for name in low},
        **{name: np.max([stats[name] for stats in several], 0) for name in high},
        "mean": mean,
        "std": np.sqrt((spread * weights).sum(0)),
        "count": np.array([int(counts.sum())]),
    }


def _stats(rows: npt.NDArray[np.float64], count: int) -> Stats:
    quantiles = np.quantile(rows, QUANTILES, axis=0)
    return {
        "min": rows.min(0),
        "max": rows.max(0),
        "mean": rows.mean(0),
        "std": rows.std(0),
        "count": np.array([count]),
        **{_name(q): value for q, value in zip(QUANTILES, quantiles, strict=True)},
    }


def _name(quantile: float) -> str:
    return f"q{round(quantile * 100):02d}"
