"""Steps from bags, through the same join and the same message readers as the live learner's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError
from std_msgs.msg import String

from vlmrl_ros.bridge.bags.layout import BAGS, METADATA, bag_file, episodes, number_of
from vlmrl_ros.bridge.step_topics import StepTopic, step_topics
from vlmrl_ros.core.errors import BagError, VlmrlError
from vlmrl_ros.core.join import StepJoin
from vlmrl_ros.core.mcap import Message, Scan
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step

WINDOW = 512
"""Steps that may be open at once: a bag of another recorder holds the parts in the order in which they came."""


def read_steps(paths: Iterable[Path | str]) -> tuple[TaskSpec, Iterator[Step]]:
    """Read the steps of bags, one after the other; see :func:`read_streams`.

    Returns:
        the task's spec, and the steps: path after path as they are given, those of one folder in order of stamp.
    """
    spec, streams = read_streams(paths)
    return spec, chain.from_iterable(streams)


def read_streams(
    paths: Iterable[Path | str], needed: TaskSpec | None = None, listens: bool = False
) -> tuple[TaskSpec, tuple[Iterator[Step], ...]]:
    """Read the steps of bags, each arm of each run for itself: only within one of these do steps follow each other.

    Args:
        paths: bags, run directories, or folders of bags, of one task; those of a bag that is still being written, or
            whose writer was killed, are read up to the last whole one.
        needed: spec that the bags must fit; None: that of the first one.
        listens: the steps also have what the policy said, see :class:`~vlmrl_ros.core.join.StepJoin`.

    Returns:
        the spec, and the streams as their paths are given, each in order of stamp; the episodes of one
        folder are one stream, and a bag of another name is one. Only specs are read before the steps are asked for.

    Raises:
        BagError: no bag, a damaged one, one of another task, or bags of several tasks.
    """
    found: dict[Path, set[Path]] = {}
    spec = needed
    for folder in (folder for path in paths for folder in _some_bags(Path(path).resolve())):
        spec = spec or read_spec(folder)
        check_fits(spec, read_spec(folder), f"bag '{folder}'")
        found.setdefault(folder.parent if number_of(folder) >= 0 else folder, set()).add(folder)
    if spec is None:
        raise BagError("no bags in nothing")
    return spec, tuple(_in_order(sorted(folders, key=_order), spec, listens) for folders in found.values())


def steps_after(directory: Path, stamp_ns: int, listens: bool = False) -> Iterator[Step]:
    """The steps of one arm of one run that bear a later stamp, in order, also while the run is being recorded.

    Args:
        directory: holds the bags of the arm's episodes, ``<run>/bags`` or ``<run>/bags/<arm>``.
        stamp_ns: that of the last step that is known.
        listens: as in :func:`read_streams`.

    Yields:
        steps; none where there are no bags.

    Raises:
        BagError: a damaged bag.
    """
    folders = [folder for folder in episodes(directory) if _begins(folder) is not None]
    later = [index for index, folder in enumerate(folders) if (_begins(folder) or 0) > stamp_ns]
    first = max(0, (later[0] if later else len(folders)) - 1)
    if folders:
        spec = read_spec(folders[-1])
        yield from (step for step in _in_order(folders[first:], spec, listens) if step.stamp_ns > stamp_ns)


def find_bags(path: Path) -> list[Path]:
    """The bags at a path, in order of their first stamps: a bag, or all below a run directory or another folder.

    Raises:
        BagError: nothing there.
    """
    if not path.is_dir():
        raise BagError(f"'{path}' is no bag, run directory or folder of bags")
    below = path / BAGS if (path / BAGS).is_dir() else path
    found = {file.parent for pattern in (METADATA, "episode_*.mcap") for file in below.rglob(pattern)}
    return sorted((folder for folder in found if _begins(folder) is not None), key=_order)


def _order(folder: Path) -> tuple[str, int, str]:
    """Bags of one folder by their first stamps."""
    return str(folder.parent), _begins(folder) or 0, folder.name


def _some_bags(path: Path) -> list[Path]:
    if found := find_bags(path):
        return found
    raise BagError(f"no bags in '{path}'")


def read_spec(folder: Path) -> TaskSpec:
    """The task's spec in a bag.

    Raises:
        BagError: it has none, or it is damaged.
    """
    return _spec_message(folder)[1]


def check_fits(spec: TaskSpec, other: TaskSpec, what: str) -> None:
    """See that steps of one spec are steps of the other: task, names, units, bounds, cameras and control step.

    Args:
        spec: what is needed.
        other: what there is.
        what: has the other spec, for the message.

    Raises:
        BagError: they are not.
    """
    for part in ("observation", "action", "cameras", "control_dt_s"):
        mine, theirs = (_plain(getattr(s, part)) for s in (spec, other))
        if mine != theirs:
            raise BagError(f"{what} is of task '{other.task}', not '{spec.task}': {part} {theirs}; expected {mine}")
    if other.task != spec.task:
        raise BagError(f"{what} is of task '{other.task}', not '{spec.task}'")


def read_messages(folder: Path) -> Iterator[Message]:
    """The messages of a bag: our own, or any other rosbag2 folder.

    Raises:
        BagError: it cannot be read, or is damaged.
    """
    own = bag_file(folder)
    return iter(Scan(own)) if own.is_file() else _foreign_messages(folder)


@dataclass(frozen=True)
class Part:
    """A message of a step: where it belongs, and its bytes."""

    topic: StepTopic
    message: Message

    def decode(self) -> Any:
        """The message as ROS knows it."""
        return deserialize_message(self.message.data, self.topic.type)


def step_parts(folder: Path, topics: Sequence[StepTopic]) -> Iterator[Part]:
    """The messages of a bag that belong to steps."""
    namespace, _ = _spec_message(folder)
    known = {f"{namespace}{topic.name}": topic for topic in topics}
    for message in read_messages(folder):
        if message.topic in known:
            yield Part(known[message.topic], message)


def _in_order(folders: Sequence[Path], spec: TaskSpec, listens: bool) -> Iterator[Step]:
    """The steps of bags that lie in one folder; one that two of them hold comes once."""
    topics = step_topics(spec, listens)
    newest_ns = -1
    for folder in folders:
        for step in _steps(folder, spec, topics, listens):
            if step.stamp_ns > newest_ns:
                newest_ns = step.stamp_ns
                yield step


def _steps(folder: Path, spec: TaskSpec, topics: Sequence[StepTopic], listens: bool) -> Iterator[Step]:
    join = StepJoin([camera.name for camera in spec.cameras], WINDOW, listens=listens)
    for part in step_parts(folder, topics):
        try:
            stamp_ns, value = part.topic.parse(part.decode())
        except (VlmrlError, RuntimeError):
            continue  # the learner refused it too
        yield from join.put(stamp_ns, part.topic.part, value)
    while left := join.settle():
        yield from left


def last_time(folder: Path) -> int:
    """Time of the last message of a bag, ns; -1 where there is none."""
    return max((message.time_ns for message in read_messages(folder)), default=-1)


def _begins(folder: Path) -> int | None:
    """Time of the first message, ns; None where there is none yet."""
    first = next(iter(read_messages(folder)), None)
    return None if first is None else first.time_ns


def _spec_message(folder: Path) -> tuple[str, TaskSpec]:
    """The namespace of the loop that a bag holds, with a slash at its end, and the spec of its task."""
    for message in read_messages(folder):
        namespace, _, name = message.topic.rpartition("/")
        if name == "spec":
            return f"{namespace}/", TaskSpec.from_json(deserialize_message(message.data, String).data)
    raise BagError(f"bag '{folder}' has no topic 'spec'; record it with the steps")


def _plain(value: Any) -> Any:
    """Values that compare."""
    if isinstance(value, float):
        return value
    if isinstance(value, tuple):
        return [(c.name, c.height, c.width) for c in value]
    return dict(zip(value.names, zip(value.units, value.low.tolist(), value.high.tolist(), strict=True), strict=True))


def _foreign_messages(folder: Path) -> Iterator[Message]:
    try:
        with Reader(folder) as reader:
            connection: Connection
            for connection, time_ns, data in reader.messages():
                yield Message(connection.topic, time_ns, bytes(data))
    except (ReaderError, OSError) as error:
        raise BagError(f"bag '{folder}' cannot be read: {error}") from error
