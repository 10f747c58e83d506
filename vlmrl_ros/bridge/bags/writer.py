"""Writes one bag: after each write all of it is in the file, and a write that fails leaves no trace."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import yaml

from vlmrl_ros.bridge.bags.definitions import HASH, QOS
from vlmrl_ros.bridge.bags.layout import METADATA, bag_file
from vlmrl_ros.core import mcap
from vlmrl_ros.core.mcap import Message, Scan, Tally, Topic
from vlmrl_ros.core.run_directory import write_whole

VERSION = 9
"""Of the rosbag2 layout."""
Opener = Callable[[Path, str], FileIO]


def open_unbuffered(path: Path, mode: str) -> FileIO:
    """A file whose writes go to the operating system at once, so that they outlive the process."""
    return open(path, mode, buffering=0)


class BagWriter:
    """A rosbag2 folder with one MCAP file."""

    def __init__(self, folder: Path, opener: Opener = open_unbuffered) -> None:
        """Begin a bag, or go on with one whose writer was killed or has closed it.

        Args:
            folder: of the bag.
            opener: opens the file without a buffer.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
            BagError: the file of the folder is no bag.
        """
        self.folder = folder
        self.path = bag_file(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._numbers: dict[str, int] = {}
        self._topics: dict[int, Topic] = {}
        self._tally = Tally()
        self._end = 0
        if self.path.exists():
            self._take_over()
        try:
            self._open(opener)
        except OSError:
            if not self._end:
                self._remove()
            raise

    @property
    def bytes_written(self) -> int:
        """Size of the file."""
        return self._end

    @property
    def messages(self) -> int:
        """Messages in the file."""
        return self._tally.total

    def write(self, messages: Sequence[Message], topics: Mapping[str, Topic]) -> None:
        """Append messages in one piece.

        Args:
            messages: in the order in which they are to be read.
            topics: descriptions of their topics, by name.

        Raises:
            OSError: the disk is full or broken; the file is as it was.
        """
        numbers = dict(self._numbers)
        sequence = dict(self._tally.counts)
        pieces = []
        for message in messages:
            number = numbers.get(message.topic)
            if number is None:
                number = numbers[message.topic] = len(numbers) + 1
                pieces.append(mcap.topic_records(number, topics[message.topic]))
            pieces.append(mcap.message_record(number, sequence.get(number, 0), message))
            sequence[number] = sequence.get(number, 0) + 1
        self._append(b"".join(pieces))
        self._topics |= {number: topics[name] for name, number in numbers.items() if number not in self._topics}
        self._numbers = numbers
        for message in messages:
            self._tally.add(numbers[message.topic], message.time_ns)

    def close(self) -> None:
        """End the file, make it last, and write ``metadata.yaml``; a bag without messages is taken away.

        Raises:
            OSError: the disk is full or broken; may be tried again.
        """
        if not self._tally.total:
            self.abandon()
            self._remove()
            return
        data = self._end
        self._append(mcap.closing(self._topics, self._tally, data))
        try:
            os.fsync(self._file.fileno())
            write_whole(self.folder / METADATA, yaml.safe_dump(self._metadata(), sort_keys=False))
        except OSError:
            self._end = data
            self._file.truncate(data)
            self._file.seek(data)
            raise
        self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is, without its end."""
        self._file.close()

    def _open(self, opener: Opener) -> None:
        self._file = opener(self.path, "r+b" if self._end else "wb")
        try:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            if not self._end:
                self._append(mcap.opening())
        except OSError:
            self._file.close()
            raise

    def _remove(self) -> None:
        """Leave nothing of a bag without a message."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody keeps files there
            self.folder.rmdir()

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += len(data)

    def _take_over(self) -> None:
        """Read what is there; a torn record at its end, and the end of a closed file, give way."""
        scan = Scan(self.path)
        for _ in scan:
            pass
        if scan.end > len(mcap.MAGIC):
            self._end, self._topics, self._tally = scan.end, scan.topics, scan.tally
            self._numbers = {topic.name: number for number, topic in scan.topics.items()}
        (self.folder / METADATA).unlink(missing_ok=True)

    def _metadata(self) -> dict[str, Any]:
        tally, name = self._tally, self.path.name

        def span() -> dict[str, Any]:
            return {
                "duration": {"nanoseconds": tally.last_ns - tally.first_ns},
                "starting_time": {"nanoseconds_since_epoch": tally.first_ns},
                "message_count": tally.total,
            }

        about = {
            "version": VERSION,
            "storage_identifier": "mcap",
            **span(),
            "topics_with_message_count": [self._about(number, topic) for number, topic in self._topics.items()],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [name],
            "files": [{"path": name, **span()}],
            "custom_data": None,
            "ros_distro": "",
        }
        return {"rosbag2_bagfile_information": about}

    def _about(self, number: int, topic: Topic) -> dict[str, Any]:
        metadata = {
            "name": topic.name,
            "type": topic.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": yaml.safe_load(topic.metadata.get(QOS, "[]")),
            "type_description_hash": topic.metadata.get(HASH, ""),
        }
        return {"topic_metadata": metadata, "message_count": self._tally.counts.get(number, 0)}


def repair(folder: Path) -> None:
    """Close a bag whose writer was killed: end of the file and ``metadata.yaml``; a bag without a message goes.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
        BagError: the file of the folder is no bag.
    """
    BagWriter(folder).close()
