"""Rings of records and their files: what has been written once is never written again.

Records are numbered from the first that ever was. Files hold a fixed count of them by number, so where a file begins
does not depend on when checkpoints were made. Whole files never change; only the ragged ends are written anew.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.snapshot import Part, array_part

_DIRECTORY: ContextVar[Path | None] = ContextVar("directory of the rings", default=None)


@contextmanager
def rings_on_disk(directory: Path) -> Iterator[None]:
    """Rings that are made meanwhile lie in memory-mapped files, whatever learner makes them.

    The files are room and no record: they have no name, the system takes them back when the process ends, however it
    does, and a run goes on from its checkpoints as with rings in memory. They are reserved whole, so that a disk that
    is too small is noticed at once and not in the middle of a run.
    """
    token = _DIRECTORY.set(directory)
    try:
        yield
    finally:
        _DIRECTORY.reset(token)


class Piece(NamedTuple):
    """A file's share of the records: ``begin`` up to, not including, ``end``."""

    name: str
    begin: int
    end: int
    whole: bool


class Ring:
    """Room for the newest records of an endless row, reserved at once and touched only as it fills."""

    def __init__(self, capacity: int, shape: Sequence[int], dtype: npt.DTypeLike) -> None:
        """Reserve.

        Args:
            capacity: records that fit.
            shape: of one record.
            dtype: of its elements.

        Raises:
            ConfigError: it does not fit on the disk, see :func:`rings_on_disk`.
        """
        self.data: npt.NDArray[Any] = _room((capacity, *shape), np.dtype(dtype), _DIRECTORY.get())
        """(capacity, \\*shape); record n is in slot n modulo the capacity."""

    def copy(self, begin: int, end: int) -> npt.NDArray[Any]:
        """Records ``begin`` to ``end``, copied."""
        first = begin % len(self.data)
        ahead = self.data[first : first + end - begin]
        return np.concatenate([ahead, self.data[: end - begin - len(ahead)]])

    def put(self, begin: int, records: npt.NDArray[Any]) -> None:
        """Write records from number ``begin`` on."""
        first = begin % len(self.data)
        ahead = records[: len(self.data) - first]
        self.data[first : first + len(ahead)] = ahead
        self.data[: len(records) - len(ahead)] = records[len(ahead) :]


def _room(shape: tuple[int, ...], dtype: np.dtype[Any], directory: Path | None) -> npt.NDArray[Any]:
    size = math.prod(shape) * dtype.itemsize
    if directory is None or not size:
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, dtype, "r+", shape=shape))
    except OSError as error:
        raise ConfigError(f"no room for a replay of {size / 2**30:.3g} GiB in '{directory}': {error}") from error


def pieces(prefix: str, begin: int, end: int, size: int) -> Iterator[Piece]:
    """The files that hold records ``begin`` to ``end``, ``size`` in each whole one."""
    while begin < end:
        boundary = (begin // size + 1) * size
        stop = min(boundary, end)
        whole = stop - begin == size
        suffix = f"{begin // size:06d}" if whole else "head" if stop == boundary else "tail"
        yield Piece(f"{prefix}_{suffix}.npy", begin, stop, whole)
        begin = stop


def ring_parts(prefix: str, ring: Ring, begin: int, end: int, size: int) -> dict[str, Part]:
    """The parts of a snapshot that hold records ``begin`` to ``end`` of a ring."""
    found = pieces(prefix, begin, end, size)
    return {p.name: array_part(partial(ring.copy, p.begin, p.end), p.whole) for p in found}


def saved_pieces(
    directory: Path, prefix: str, ring: Ring, begin: int, end: int, size: int
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Open the files of records ``begin`` to ``end``, one after the other.

    Yields:
        number of the first record, and the records as a memory map.

    Raises:
        OSError: a file is missing.
        ValueError: a file is damaged or holds something else than the ring.
    """
    for piece in pieces(prefix, begin, end, size):
        records = np.load(directory / piece.name, mmap_mode="r", allow_pickle=False)
        expected = (piece.end - piece.begin, *ring.data.shape[1:])
        if records.shape != expected or records.dtype != ring.data.dtype:
            raise ValueError(
                f"{piece.name} holds {records.dtype} {records.shape}; expected {ring.data.dtype} {expected}"
            )
        yield piece.begin, records
