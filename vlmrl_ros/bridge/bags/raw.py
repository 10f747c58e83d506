"""Steps as the recorder keeps them: CDR bytes, joined by stamp but not taken apart."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.mcap import Message
from vlmrl_ros.core.types import Feedback

_ENDIAN = {0: ">", 1: "<"}


@dataclass(frozen=True)
class RawStep:
    """A complete step and what else was said up to it.

    Attributes:
        stamp_ns: the key of the step.
        feedback: numbers it within its episode.
        messages: those of other topics since the step before, then those of the step, ``executed`` last.
        heads: what a bag that begins with the step has to say first: the task's spec, the instruction.
    """

    stamp_ns: int
    feedback: Feedback
    messages: tuple[Message, ...]
    heads: tuple[Message, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all messages."""
        return sum(len(message.data) for message in self.messages)


def stamp_in(raw: bytes) -> int:
    """The header stamp in the CDR bytes of a message that begins with a header, ns.

    Raises:
        ShapeError: too short, or not plain CDR.
    """
    if len(raw) < 12 or raw[0] != 0 or raw[1] not in _ENDIAN:
        raise ShapeError(f"a message of {len(raw)} bytes that begin with {raw[:4].hex() or 'nothing'}; expected CDR")
    sec, nanosec = struct.unpack_from(f"{_ENDIAN[raw[1]]}iI", raw, 4)
    return int(sec) * 1_000_000_000 + int(nanosec)
