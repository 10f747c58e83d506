"""MCAP files that are whole after each write: no chunks, one flat row of records.

Composes records as bytes and reads them back one by one. A file whose writer was killed lacks its last part, and its
last record may be torn; all before it is read as ever. Format: https://mcap.dev/spec (version 0).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vlmrl_ros.core.errors import BagError

MAGIC = b"\x89MCAP0\r\n"
LIBRARY = "vlmrl_ros"
_HEADER, _FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _STATISTICS, _DATA_END = 1, 2, 3, 4, 5, 6, 11, 15
_RECORD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_FOOTER_SIZE = _RECORD.size + 20 + len(MAGIC)


@dataclass(frozen=True)
class Topic:
    """What a file says of a topic.

    Attributes:
        name: of the topic.
        type: of its messages, for example ``sensor_msgs/msg/JointState``.
        definition: text of the type and of those that it is made of; may be empty.
        metadata: more, by key.
    """

    name: str
    type: str
    definition: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Message(NamedTuple):
    """A message: name of its topic, time in ns, CDR bytes."""

    topic: str
    time_ns: int
    data: bytes


@dataclass
class Tally:
    """What has been written: messages of each topic by its number, and the span of their times, ns."""

    counts: dict[int, int] = field(default_factory=dict)
    first_ns: int = 0
    last_ns: int = 0

    @property
    def total(self) -> int:
        """Messages of all topics."""
        return sum(self.counts.values())

    def add(self, number: int, time_ns: int) -> None:
        """Count one message."""
        self.first_ns = min(self.first_ns, time_ns) if self.counts else time_ns
        self.last_ns = max(self.last_ns, time_ns)
        self.counts[number] = self.counts.get(number, 0) + 1


def opening() -> bytes:
    """What a file begins with."""
    return MAGIC + _record(_HEADER, _string("ros2") + _string(LIBRARY))


def topic_records(number: int, topic: Topic) -> bytes:
    """Announce a topic under a number from 1 on; it comes before the topic's first message."""
    return _schema(number, topic) + _channel(number, topic)


def message_record(number: int, sequence: int, message: Message) -> bytes:
    """Compose a message of the topic ``number``; ``sequence`` counts the topic's messages from 0."""
    head = _MESSAGE_HEAD.pack(number, sequence & 0xFFFFFFFF, message.time_ns, message.time_ns)
    return _RECORD.pack(_MESSAGE, len(head) + len(message.data)) + head + message.data


def closing(topics: Mapping[int, Topic], tally: Tally, offset: int) -> bytes:
    """What a file ends with; ``offset`` is its size before."""
    end = _record(_DATA_END, struct.pack("<I", 0))
    schemas = b"".join(_schema(number, topic) for number, topic in topics.items())
    channels = b"".join(_channel(number, topic) for number, topic in topics.items())
    counts = b"".join(struct.pack("<HQ", number, count) for number, count in tally.counts.items())
    head = struct.pack("<QHIIIIQQ", tally.total, len(topics), len(topics), 0, 0, 0, tally.first_ns, tally.last_ns)
    summary = schemas + channels + _record(_STATISTICS, head + struct.pack("<I", len(counts)) + counts)
    footer = _record(_FOOTER, struct.pack("<QQI", offset + len(end), 0, 0))
    return end + summary + footer + MAGIC


class Scan:
    """Reads the messages of a file in their order; iterate once.

    While it goes on, ``topics`` and ``tally`` grow, and ``end`` is the offset behind the last whole record of the data.
    """

    def __init__(self, path: Path) -> None:
        """Look at the file when the iteration begins.

        Args:
            path: may still be written to; what comes after the iteration began is left out.
        """
        self.path = path
        self.topics: dict[int, Topic] = {}
        self.tally = Tally()
        self.end = 0
        self._schemas: dict[int, tuple[str, str]] = {}

    def __iter__(self) -> Iterator[Message]:
        """Yield the messages.

        Raises:
            BagError: the file cannot be read, is no MCAP file, is compressed, or is damaged though it was closed.
        """
        try:
            with open(self.path, "rb") as file:
                yield from self._messages(file)
        except OSError as error:
            raise BagError(f"'{self.path}' cannot be read: {error.strerror}") from error

    def _messages(self, file: BinaryIO) -> Iterator[Message]:
        magic = file.read(len(MAGIC))
        if not MAGIC.startswith(magic):
            raise BagError(f"'{self.path}' is no MCAP file")
        self.end = len(magic)  # shorter where it is just being begun
        size = os.fstat(file.fileno()).st_size
        while (record := self._next(file, size)) is not None:
            opcode, body = record
            if opcode == _DATA_END:
                return
            message = self._understand(opcode, body)
            self.end = file.tell()
            if message is not None:
                yield message

    def _next(self, file: BinaryIO, size: int) -> tuple[int, bytes] | None:
        """The next record, or None where the file ends, whole or torn."""
        head = file.read(_RECORD.size)
        if len(head) == _RECORD.size:
            opcode, length = _RECORD.unpack(head)
            if length <= size - file.tell():
                body = file.read(length)
                if len(body) == length:
                    return opcode, body
        if self._was_closed(file, size):
            raise BagError(f"'{self.path}' is damaged behind byte {self.end}")
        return None

    def _was_closed(self, file: BinaryIO, size: int) -> bool:
        file.seek(max(0, size - _FOOTER_SIZE))
        tail = file.read(_FOOTER_SIZE)
        return len(tail) == _FOOTER_SIZE and tail[0] == _FOOTER and tail.endswith(MAGIC)

    def _understand(self, opcode: int, body: bytes) -> Message | None:
        try:
            if opcode == _MESSAGE:
                return self._message(body)
            if opcode == _SCHEMA:
                number, (name, _, definition) = _unpack_head(body, 3)
                self._schemas[number] = name, definition
            elif opcode == _CHANNEL:
                self._channel(body)
            elif opcode == _CHUNK:
                raise BagError(f"'{self.path}' is chunked; it was not written here")
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise BagError(f"'{self.path}' is damaged behind byte {self.end}: {error!r}") from error
        return None

    def _message(self, body: bytes) -> Message:
        number, _, time_ns, _ = _MESSAGE_HEAD.unpack_from(body)
        message = Message(self.topics[number].name, time_ns, body[_MESSAGE_HEAD.size :])
        self.tally.add(number, time_ns)
        return message

    def _channel(self, body: bytes) -> None:
        (number, schema), offset = struct.unpack_from("<HH", body), 4
        texts, offset = _read_strings(body, offset, 2)
        (length,) = struct.unpack_from("<I", body, offset)
        pairs: list[str] = []
        offset, end = offset + 4, offset + 4 + length
        while offset < end:
            two, offset = _read_strings(body, offset, 2)
            pairs += two
        name, definition = self._schemas[schema]
        self.topics[number] = Topic(texts[0], name, definition, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _record(opcode: int, body: bytes) -> bytes:
    return _RECORD.pack(opcode, len(body)) + body


def _schema(number: int, topic: Topic) -> bytes:
    encoding = "ros2msg" if topic.definition else ""
    texts = _string(topic.type) + _string(encoding) + _string(topic.definition)
    return _record(_SCHEMA, struct.pack("<H", number) + texts)


def _channel(number: int, topic: Topic) -> bytes:
    pairs = b"".join(_string(key) + _string(value) for key, value in topic.metadata.items())
    texts = _string(topic.name) + _string("cdr") + struct.pack("<I", len(pairs)) + pairs
    return _record(_CHANNEL, struct.pack("<HH", number, number) + texts)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw


def _unpack_head(body: bytes, count: int) -> tuple[int, list[str]]:
    """A number and the strings behind it."""
    (number,) = struct.unpack_from("<H", body)
    return number, _read_strings(body, 2, count)[0]


def _read_strings(body: bytes, offset: int, count: int) -> tuple[list[str], int]:
    texts = []
    for _ in range(count):
        (length,) = struct.unpack_from("<I", body, offset)
        offset += 4 + length
        if offset > len(body):
            raise struct.error(f"a text of {length} bytes in a record of {len(body)}")
        texts.append(body[offset - length : offset].decode())
    return texts, offset
