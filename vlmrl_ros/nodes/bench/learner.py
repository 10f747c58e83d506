"""Gradient updates per CPU second, beside stable-baselines3, sbx-rl (JAX) and TorchRL."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.learner_work import ACTIONS, BATCH, CRITIC_UPDATES, HIDDEN, STATES, WORK
from vlmrl_ros.policies.evaluation.statistics import mean_interval
from vlmrl_ros.policies.networks.compute import learner_compute

LIBRARIES = {"stable_baselines3": "stable-baselines3", "sbx": "sbx-rl", "torchrl": "torchrl"}
ROUNDS, QUICK_ROUNDS = 12, 3
SPAN_S = 1.0
"""CPU time of each in a round, about; one block at least."""
RATIOS = {
    "ratio_to_jax.c2": ("ours.c2", "jax.c2"),
    "ratio_to_jax.c10": ("ours.c10", "jax.c10"),
    "ratio_to_sb3.c2": ("ours_actor_each.c2", "sb3.c2"),
    "ratio_to_torchrl.c2": ("ours.c2", "torchrl.c2"),
    "ratio_to_sb3_as_used.c2": ("ours.c2", "sb3.c2"),
    "ratio_to_torchrl_as_used.c2": ("ours.c2", "torchrl_actor_each.c2"),
}


def measure(quick: bool, work: Path) -> Figures:
    """Time all of them in turn, each in a process of its own, on one core, for several rounds.

    Returns:
        ``updates_per_cpu_s.<who>.c<critics>``: updates of the critics a CPU second, with one of the actor for every
        ``CRITIC_UPDATES`` of them, or for each (``..._actor_each``, ``sb3``); ``ratio_to_<who>.c<critics>``: means
        over the rounds of the ratio within a round, with the same work on both sides; ``ratio_to_<who>_as_used.c2``:
        to that library's own loop, which updates the actor each time; all of these with ``.low`` and ``.high``, the
        95 % interval of the mean;
        ``peak_gflop_per_s``: the fastest product of matrices in any round; ``arithmetic_share.c<critics>``: how much
        of that the products of an update make use of.

    Raises:
        VlmrlError: a library is not installed, or its process ended.
    """
    missing = [package for module, package in LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise VlmrlError(
            f"the suite 'learner' compares with {', '.join(missing)}, not installed here; `make bench SUITE=learner` "
            "installs them, or by hand: pip install -c constraints/bench.txt -e '.[bench]'"
        )
    rates: dict[str, list[float]] = {name: [] for name in WORK}
    peaks = []
    with _workers(work) as workers:
        counts = {name: _count(worker) for name, worker in workers.items()}
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            peaks.append(_peak_gflop_per_s())
            for name, worker in workers.items():
                rates[name].append(counts[name] * CRITIC_UPDATES / _cpu_s(worker, counts[name]))
    return _figures(rates, max(peaks))


def flop_per_update(critics: int) -> float:
    """Multiplications and additions in the matrix products of one update of the critics, and its share of an actor's.

    Backwards, a layer takes the products of a forward pass twice, but once where nobody asks for the derivative with
    respect to its inputs or its weights.
    """
    critic, actor = _layers(STATES + ACTIONS, 1), _layers(STATES, 2 * ACTIONS)
    fit = critics * (4 * sum(critic) - critic[0]) + sum(actor)
    climb = critics * 2 * sum(critic) + 3 * sum(actor) - actor[0]
    return fit + climb / CRITIC_UPDATES


def _layers(inputs: int, outputs: int) -> list[float]:
    """Operations of each layer's product, forwards."""
    return [2.0 * BATCH * before * after for before, after in pairwise((inputs, *HIDDEN, outputs))]


def _figures(rates: dict[str, list[float]], peak: float) -> Figures:
    figures: Figures = {"peak_gflop_per_s": peak}
    for name, values in rates.items():
        figures |= _with_interval(f"updates_per_cpu_s.{name}", values)
    for name, (mine, other) in RATIOS.items():
        figures |= _with_interval(name, np.divide(rates[mine], rates[other]).tolist())
    for critics in (2, 10):
        used = figures[f"updates_per_cpu_s.ours.c{critics}"] * flop_per_update(critics) / 1e9
        figures[f"arithmetic_share.c{critics}"] = used / peak
    return figures


def _with_interval(name: str, values: Sequence[float]) -> Figures:
    interval = mean_interval(values)
    return {name: interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}


def _peak_gflop_per_s() -> float:
    """The fastest of the products that this core was seen to do, 1e9 operations a CPU second."""
    best = 0.0
    with learner_compute():
        for members, size in ((1, 256), (10, 256), (1, 1024)):
            left, right, out = torch.ones(3, members, size, size)
            operations, repeats = members * 2.0 * size**3, 64 * 256**3 // (members * size**3) + 1
            for _ in range(5):
                started_s = time.process_time()
                for _ in range(repeats):
                    torch.bmm(left, right, out=out)
                best = max(best, repeats * operations / (time.process_time() - started_s))
    return best / 1e9


@contextmanager
def _workers(work: Path) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A process for each, with everything built."""
    workers: dict[str, subprocess.Popen[str]] = {}
    env = {**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    module = "vlmrl_ros.nodes.bench.learner_work"
    try:
        for name in WORK:
            with open(work / f"{name}.log", "wb") as log:
                workers[name] = subprocess.Popen(
                    [sys.executable, "-m", module, name],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env=env,
                )
            _cpu_s(workers[name], 2)
        yield workers
    finally:
        for worker in workers.values():
            worker.kill()
            worker.communicate()


def _count(worker: subprocess.Popen[str]) -> int:
    """Blocks in ``SPAN_S``."""
    return max(1, round(SPAN_S / _cpu_s(worker, 1)))


def _cpu_s(worker: subprocess.Popen[str], blocks: int) -> float:
    """CPU time that a worker takes for so many blocks."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(f"{blocks}\n")
        worker.stdin.flush()
        return float(worker.stdout.readline())
    except (OSError, ValueError) as error:
        command = " ".join(map(str, worker.args)) if isinstance(worker.args, list) else str(worker.args)
        raise VlmrlError(f"`{command}` ended; its log is beside the runs (--work)") from error
