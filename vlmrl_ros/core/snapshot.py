"""What a checkpoint is made of: copies taken between two training steps, written later by another thread.

A component describes its state as named parts. Taking the copies is all that the learner's thread does; composing
bytes, hashing and writing are left to the writer.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Buffer = bytes | memoryview
Content = Callable[[], Iterable[Buffer]]
"""Gives the bytes of one file, piece by piece, from copies that nobody changes."""


@dataclass(frozen=True)
class Part:
    """One file of a checkpoint.

    Attributes:
        copy: takes the copies, at once, and returns what composes the bytes from them later.
        fixed: a file of this name has the same bytes in every checkpoint of a run that has it, so that the one on disk
            can be taken over instead of being written again.
    """

    copy: Callable[[], Content]
    fixed: bool = False


Snapshot = Mapping[str, Part]
"""The parts of a state by relative path. Valid until the state changes."""


def below(folder: str, parts: Snapshot) -> dict[str, Part]:
    """The same parts in a folder."""
    return {f"{folder}/{name}": part for name, part in parts.items()}


def json_part(value: Any) -> Part:
    """Plain values as JSON."""

    def copy() -> Content:
        raw = json.dumps(value, sort_keys=True).encode()
        return lambda: (raw,)

    return Part(copy)


def array_part(copy_array: Callable[[], npt.NDArray[Any]], fixed: bool = False) -> Part:
    """An array as npy.

    Args:
        copy_array: returns an array that nobody changes afterwards.
        fixed: see :class:`Part`.
    """

    def copy() -> Content:
        array = copy_array()
        return lambda: npy(array)

    return Part(copy, fixed)


def npy(array: npt.NDArray[Any]) -> Iterator[Buffer]:
    """The bytes of a npy file, without a second copy of the data."""
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    about = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(header, about)
    yield header.getvalue()
    if array.nbytes:
        yield array.reshape(-1).view(np.uint8).data


def save_snapshot(directory: Path, parts: Snapshot) -> None:
    """Write all parts below an existing directory, at once."""
    for name, part in parts.items():
        write_file(directory / name, part.copy()())


def write_file(path: Path, content: Iterable[Buffer], seen: Callable[[Buffer], None] = lambda piece: None) -> None:
    """Write a file to the disk itself; its directory is made where it is missing.

    Args:
        path: must not exist.
        content: its bytes.
        seen: called with each piece, for example to hash it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb", buffering=0) as file:
        for piece in content:
            seen(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
