"""Imports torch, computes something, and writes what came of it as JSON; run by the doctor in a process of its own."""

from __future__ import annotations

import json
import sys
import time

import torch

SIZE, TIMES = 512, 10


def main() -> None:
    """Entry point."""
    torch.set_num_threads(1)
    a = torch.ones(SIZE, SIZE)
    product = a @ a
    started_s = time.perf_counter()
    for _ in range(TIMES):
        product = a @ a
    seconds = time.perf_counter() - started_s
    if float(product[0, 0]) != SIZE:
        sys.exit(f"torch computes {float(product[0, 0])} for {SIZE}")
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    gflops = TIMES * 2 * SIZE**3 / seconds / 1e9
    sys.stdout.write(json.dumps({"version": torch.__version__, "device": device, "gflops": gflops}) + "\n")


if __name__ == "__main__":
    main()
