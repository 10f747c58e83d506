"""How the learner uses the processor: one thread, fast float32 products where they stay float32."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from vlmrl_ros.core.errors import ConfigError

_LARGEST_ERROR = 1e-5
_MALLOPT = {-1: 256 << 20, -2: 64 << 20, -3: 16 << 20}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD, bytes."""


def torch_generator(rng: np.random.Generator, device: torch.device | None = None) -> torch.Generator:
    """A generator seeded from ``rng``, on the CPU unless told otherwise; torch's global state is never used."""
    return torch.Generator(device or "cpu").manual_seed(int(rng.integers(2**62)))


def device_of(name: str) -> torch.device:
    """The device that an option ``auto``, ``cpu`` or ``cuda`` stands for.

    Raises:
        ConfigError: ``cuda`` where there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but torch sees no CUDA device; valid: auto, cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def learner_compute() -> Iterator[None]:
    """One thread, and the fast product where :func:`fast_products_are_exact`; both restored on leaving.

    Two threads on two busy cores are slower than one. The fast product is quicker on AMD processors; it is scoped, for
    it slows the small products of decoding a language model.
    """
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium" if fast_products_are_exact() else "highest")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


@cache
def keep_freed_memory() -> bool:
    """Let the process reuse freed blocks instead of giving them back; for the whole process, once.

    The temporaries of a gradient step are just above the size from which glibc maps and unmaps each of them. Their page
    faults cost almost half of the step.

    Returns:
        whether the C library could be told (glibc on Linux).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in _MALLOPT.items())


@cache
def fast_products_are_exact() -> bool:
    """Precision ``medium`` keeps float32 here. It permits bfloat16, which processors with AMX do use."""
    precision = torch.get_float32_matmul_precision()
    left, right = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(0))
    torch.set_float32_matmul_precision("medium")
    try:
        product = left @ right
    finally:
        torch.set_float32_matmul_precision(precision)
    exact = left.double() @ right.double()
    error = (product.double() - exact).abs().max() / exact.abs().max()
    return bool(error < _LARGEST_ERROR)
