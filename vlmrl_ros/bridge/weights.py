"""Weights on the wire: safetensors in a ``std_msgs/UInt8MultiArray``. Nothing received is ever unpickled."""

from __future__ import annotations

import array
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save
from std_msgs.msg import UInt8MultiArray

from vlmrl_ros.core.errors import CheckpointError

MAX_BYTES = 256 * 1024 * 1024
"""Largest message of weights that is read."""


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
    tensors = {name: np.asarray(value, order="C") for name, value in weights.variables.items()}
    digest = _digest(tensors, weights.version, weights.step)
    metadata = {"version": str(weights.version), "step": str(weights.step), "sha256": digest}
    return UInt8MultiArray(data=array.array("B", save(tensors, metadata=metadata)))


def decode(message: UInt8MultiArray) -> Weights:
    """Read a message of weights.

    Raises:
        CheckpointError: too large, not safetensors, without metadata, or damaged on the way.
    """
    if len(message.data) > MAX_BYTES:
        raise CheckpointError(f"weights of {len(message.data)} bytes; the most that is read is {MAX_BYTES}")
    raw = bytes(message.data)
    try:
        variables = load(raw)
        metadata = _metadata(raw)
        version, step, digest = int(metadata["version"]), int(metadata["step"]), metadata["sha256"]
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError, struct.error) as error:
        raise CheckpointError(f"not a message of weights: {error}") from error
    if digest != _digest(variables, version, step):
        raise CheckpointError(f"weights version {version} were damaged on the way (SHA-256 differs)")
    return Weights(variables, version, step)


def _metadata(raw: bytes) -> dict[str, str]:
    (length,) = struct.unpack("<Q", raw[:8])
    return dict(json.loads(raw[8 : 8 + length])["__metadata__"])


def _digest(tensors: Mapping[str, npt.NDArray[Any]], version: int, step: int) -> str:
    """SHA-256 of everything that is read from the message."""
    digest = hashlib.sha256(f"{version} {step}".encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
