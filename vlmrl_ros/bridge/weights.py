"""Weights on the wire: safetensors in a ``std_msgs/UInt8MultiArray``. Nothing received is ever unpickled.

A model that is too large for a message stays in a file, and the message names it: ``uri`` in its metadata. Such a file
is read only below a directory that the receiver allows, symbolic links resolved.
"""

from __future__ import annotations

import array
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save, save_file
from std_msgs.msg import UInt8MultiArray

from vlmrl_ros.core.confined import read_confined, uri_of
from vlmrl_ros.core.errors import CheckpointError, RangeError
from vlmrl_ros.core.spec import MAX_COUNT

MAX_BYTES = 256 * 1024 * 1024
"""Largest message of weights that is read."""
MAX_FILE_BYTES = 8 * 1024 * 1024 * 1024
"""Largest file of weights that is read."""
MAX_HEADER = 4 * 1024 * 1024
"""Longest header of safetensors that is parsed, bytes."""
KEPT_FILES = 2
"""Files of weights that the sender keeps: the newest, and the one that somebody may be reading."""


@dataclass(frozen=True)
class Weights:
    """One version of a policy's weights.

    Attributes:
        variables: arrays by name.
        version: counts up from 1 with each publication.
        step: learning steps that they have seen.
    """

    variables: Mapping[str, npt.NDArray[Any]]
    version: int
    step: int


def encode(weights: Weights) -> UInt8MultiArray:
    """Compose the message; its metadata holds version, step and the SHA-256 of the whole."""
    return _message(*_packed(weights))


def encode_to_file(weights: Weights, directory: Path) -> UInt8MultiArray:
    """Write the weights to a file and compose the message that names it; older files are removed.

    Raises:
        OSError: the directory cannot be written.
    """
    tensors, metadata = _packed(weights)
    path = directory / f"version_{weights.version}.safetensors"
    directory.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    save_file(tensors, aside, metadata=metadata)
    aside.replace(path)
    by_age = sorted(directory.glob("version_*.safetensors"), key=lambda file: file.stat().st_mtime_ns)
    for old in by_age[:-KEPT_FILES]:
        old.unlink()
    return _message({}, {**metadata, "uri": uri_of(path)})


def size_bytes(weights: Weights) -> int:
    """How large the arrays are together."""
    return sum(value.nbytes for value in weights.variables.values())


def decode(message: UInt8MultiArray, root: Path | None = None) -> Weights:
    """Read a message of weights, or the file that it names.

    Args:
        message: what came.
        root: the directory below which files may be read; None: no file is read.

    Raises:
        CheckpointError: too large, not safetensors, without metadata, damaged on the way, or a file that is not
            allowed or not the one that was announced.
    """
    if len(message.data) > MAX_BYTES:
        raise CheckpointError(f"weights of {len(message.data)} bytes; the most that is read is {MAX_BYTES}")
    weights, metadata = _decode(bytes(message.data))
    if "uri" not in metadata:
        return weights
    try:
        raw = read_confined(metadata["uri"], root, MAX_FILE_BYTES)
    except (RangeError, OSError) as error:
        raise CheckpointError(f"weights by file: {error}") from error
    read, own = _decode(raw)
    announced, found = ({key: of.get(key) for key in ("version", "step", "sha256")} for of in (metadata, own))
    if announced != found or "uri" in own:
        raise CheckpointError(f"the file of weights version {found['version']} is not the one that was announced")
    return read


def _packed(weights: Weights) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    tensors = {name: np.asarray(value, order="C") for name, value in weights.variables.items()}
    digest = _digest(tensors, weights.version, weights.step)
    return tensors, {"version": str(weights.version), "step": str(weights.step), "sha256": digest}


def _message(tensors: dict[str, npt.NDArray[Any]], metadata: dict[str, str]) -> UInt8MultiArray:
    return UInt8MultiArray(data=array.array("B", save(tensors, metadata=metadata)))


def _decode(raw: bytes) -> tuple[Weights, dict[str, str]]:
    """Weights and metadata; the hash is checked unless a file is named, which has its own."""
    try:
        metadata = _metadata(raw)
        variables = load(raw)
        version, step, digest = _count(metadata["version"]), _count(metadata["step"]), metadata["sha256"]
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError, RecursionError, struct.error) as error:
        raise CheckpointError(f"not a message of weights: {str(error)[:200]}") from error
    if "uri" in metadata:
        if variables:
            raise CheckpointError("weights by file, but with arrays in the message; valid: one or the other")
    elif digest != _digest(variables, version, step):
        raise CheckpointError(f"weights version {version} were damaged on the way (SHA-256 differs)")
    return Weights(variables, version, step), metadata


def _metadata(raw: bytes) -> dict[str, str]:
    (length,) = struct.unpack("<Q", raw[:8])
    if length > min(MAX_HEADER, len(raw) - 8):
        raise ValueError(f"a header of {length} bytes in {len(raw)}; the most that is parsed is {MAX_HEADER}")
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata that are no text")
    return dict(metadata)


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MAX_COUNT:
        raise ValueError(f"a count of {text[:40]}; valid: 0 to 2**53")
    return number


def _digest(tensors: Mapping[str, npt.NDArray[Any]], version: int, step: int) -> str:
    """SHA-256 of everything that is read from the message."""
    digest = hashlib.sha256(f"{version} {step}".encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
