"""Random streams.

One seed gives every part of the system its own, independent of the others and of what came before.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, role: str, *key: int) -> np.random.Generator:
    """A generator for one role at one place.

    Args:
        seed: the run's seed, 0 or more.
        role: who draws, for example ``"task"``.
        key: where, for example episode and step; 0 or more. One role always uses equally many, because numbers left
            out at the end count as 0.

    Returns:
        the same stream for the same arguments, on every machine.
    """
    return np.random.default_rng([seed, zlib.crc32(role.encode()), *key])
