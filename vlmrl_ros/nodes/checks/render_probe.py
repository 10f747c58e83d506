"""Renders frames of a work cell and writes what came of it as JSON; run by the doctor in a process of its own."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from vlmrl_ros.sim.load import build

SIZE, FRAMES = 128, 10


def main() -> None:
    """Entry point."""
    task = build("reach", {})
    try:
        task.reset(np.random.default_rng(0))
        frame = task.render("front", SIZE, SIZE)
        started_s = time.perf_counter()
        for _ in range(FRAMES):
            frame = task.render("front", SIZE, SIZE)
        ms = (time.perf_counter() - started_s) / FRAMES * 1e3
        colours = len(np.unique(frame.reshape(-1, 3), axis=0))
        sys.stdout.write(json.dumps({"size": SIZE, "ms": ms, "colours": int(colours)}) + "\n")
    finally:
        task.close()


if __name__ == "__main__":
    main()
