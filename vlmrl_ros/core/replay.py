"""Replay memory: one packed float32 row per transition, every camera frame stored once.

The next observation of step k is the observation of step k + 1, so consecutive transitions share a frame. Rows and
frames are rings that are reserved at construction and touched only as they fill, and are numbered from the first that
ever was. In memory, or in files that are mapped into it (``core/segments.py``). Not thread-safe: one thread owns it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError
from vlmrl_ros.core.segments import Ring, ring_parts, saved_pieces
from vlmrl_ros.core.snapshot import Part, json_part
from vlmrl_ros.core.spec import CameraSpec, FloatArray
from vlmrl_ros.core.types import Observation

Slots = npt.NDArray[np.int64]
Frames = npt.NDArray[np.uint8]
Rows = TypeVar("Rows")

Span = tuple[int, int]
"""First and end, the latter not included."""

ROWS_IN_FILE, FRAMES_IN_FILE = 1024, 128
"""Records in a whole file of a checkpoint."""
SHARED_REACH = 64
"""Frames that other arms may store between two steps of one arm, for these to share theirs."""


class Layout:
    """Named columns side by side in one row."""

    def __init__(self, widths: Mapping[str, int]) -> None:
        """Place the columns in the given order.

        Args:
            widths: column name to number of floats.

        Raises:
            ConfigError: no column, or a width below 1.
        """
        if not widths or min(widths.values()) < 1:
            raise ConfigError(f"replay columns need a width of 1 or more each; got {dict(widths)}")
        ends = np.cumsum(list(widths.values())).tolist()
        self.widths = dict(widths)
        self.width: int = ends[-1]
        self.slices = {n: slice(end - w, end) for (n, w), end in zip(widths.items(), ends, strict=True)}

    def split(self, rows: Rows) -> dict[str, Rows]:
        """Views of the columns of float32 (..., width), an array or a tensor."""
        return {name: rows[..., where] for name, where in self.slices.items()}  # type: ignore[index]


@dataclass(frozen=True)
class FramePair:
    """The observations at both ends of a transition, and the step that tells which frames are already stored.

    Attributes:
        before: holds uint8 (H, W, 3) for each camera.
        after: the same, one step later.
        episode: number of the episode.
        step: number of ``before`` within the episode.
        arm: number of the arm; consecutive transitions of one arm share a frame.
    """

    before: Observation
    after: Observation
    episode: int
    step: int
    arm: int = 0


@dataclass(frozen=True)
class _Newest:
    """The newest frame of an arm: the step that it shows, and its number."""

    episode: int
    step: int
    number: int


class Replay:
    """A ring of transitions. Oldest rows give way to new ones, and rows give way when their frames are overwritten."""

    def __init__(self, widths: Mapping[str, int], capacity: int, cameras: Sequence[CameraSpec] = ()) -> None:
        """Reserve the memory (the operating system hands it out as it fills).

        Args:
            widths: column name to number of floats, see :class:`Layout`.
            capacity: greatest number of transitions.
            cameras: the cameras whose frames are kept; a sixteenth more frames than rows, for the ends of episodes.

        Raises:
            ConfigError: a capacity below 1, or bad columns.
        """
        if capacity < 1:
            raise ConfigError(f"replay capacity is {capacity}; valid: 1 or more")
        self.layout = Layout(widths)
        self.capacity = capacity
        self.cameras = tuple(cameras)
        self._frame_capacity = capacity + capacity // 16 + 2
        self._rows = Ring(capacity, (self.layout.width,), np.float32)
        self._frames = {c.name: Ring(self._frame_capacity, (c.height, c.width, 3), np.uint8) for c in cameras}
        self._frame_of = Ring(capacity if cameras else 0, (2,), np.int64)
        self._first = 0
        self._end = 0
        self._frame_end = 0
        self._newest: dict[int, _Newest] = {}
        self._reach = 0
        """A row may need a frame so much older than the newest frame was when the row came."""

    def __len__(self) -> int:
        """Number of transitions that can be drawn."""
        return self._end - self._first

    @property
    def nbytes(self) -> int:
        """Bytes in use: rows, frame numbers and frames that hold data."""
        frames = min(self._frame_end, self._frame_capacity)
        per_frame = sum(int(f.data[0].nbytes) for f in self._frames.values())
        return len(self) * (int(self._rows.data[0].nbytes) + 16 * bool(self.cameras)) + frames * per_frame

    def add(self, values: Mapping[str, npt.ArrayLike], frames: FramePair | None = None) -> None:
        """Append one transition.

        Args:
            values: float32 (width,) or a number for every column.
            frames: the camera frames; needed when the replay has cameras.

        Raises:
            ConfigError: columns or frames are missing or of a wrong shape.
            NonFiniteError: a value is NaN or infinite; nothing is stored.
        """
        slot = self._end % self.capacity
        row = self._packed(values)
        if self.cameras:
            if frames is None:
                raise ConfigError(f"this replay keeps frames of {', '.join(c.name for c in self.cameras)}; got none")
            self._frame_of.data[slot] = self._store(frames)
        self._rows.data[slot] = row
        self._end += 1
        self._evict()

    def draw(self, count: int, rng: np.random.Generator) -> Slots:
        """Slots of ``count`` transitions, int64 (count,), drawn uniformly with replacement."""
        # twice as fast as rng.integers; 53 random bits leave no bias that anybody could see
        slots: Slots = (rng.random(count) * len(self)).astype(np.int64)
        slots += self._first
        if self._end > self.capacity:
            slots %= self.capacity
        return slots

    def rows(self, slots: Slots, out: FloatArray | None = None) -> FloatArray:
        """The packed rows, float32 (count, width); ``out`` saves the allocation."""
        # mode="raise" would copy through a second buffer; the slots come from draw()
        return np.take(self._rows.data, slots, axis=0, out=out, mode="clip")

    def frames(self, slots: Slots, camera: str, after: bool = False, out: Frames | None = None) -> Frames:
        """Frames at one end of the transitions, uint8 (count, H, W, 3) RGB; ``out`` saves the allocation."""
        numbers = self._frame_of.data[slots, int(after)] % self._frame_capacity
        return np.take(self._frames[camera].data, numbers, axis=0, out=out, mode="clip")

    def snapshot(self) -> dict[str, Part]:
        """The transitions and their numbering, as parts of a checkpoint; whole segments of them never change."""
        spans = self._spans()
        parts: dict[str, Part] = {}
        for prefix, ring, (begin, end), size in self._stores(*spans):
            parts |= ring_parts(prefix, ring, begin, end, size)
        newest = {str(arm): asdict(frame) for arm, frame in self._newest.items()}
        about = {**self._identity(), "rows": spans[0], "frames": spans[1], "newest": newest, "reach": self._reach}
        return {**parts, "replay.json": json_part(about)}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; the same draws then give the same rows.

        Raises:
            CheckpointError: missing or damaged files, or another layout, camera or capacity.
        """
        try:
            about = json.loads((directory / "replay.json").read_text())
            spans = self._checked_spans(about)
            newest = {int(arm): _Newest(**frame) for arm, frame in about["newest"].items()}
            reach = int(about["reach"])
            stores = self._stores(*spans)
            for prefix, ring, span, size in stores:
                for _, records in saved_pieces(directory, prefix, ring, *span, size):
                    self._check(ring, records, spans[1])
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable replay in {directory}: {error}") from error
        for prefix, ring, span, size in stores:
            for begin, records in saved_pieces(directory, prefix, ring, *span, size):
                ring.put(begin, records)
        self._first, self._end = spans[0]
        self._frame_end = spans[1][1]
        self._newest, self._reach = newest, reach

    def _stores(self, rows: Span, frames: Span) -> list[tuple[str, Ring, Span, int]]:
        """The rings and the files that hold them: (prefix, ring, first and end, records in a file)."""
        stores = [("rows", self._rows, rows, ROWS_IN_FILE)]
        if self.cameras:
            stores.append(("frame_of", self._frame_of, rows, ROWS_IN_FILE))
        return stores + [(f"frames_{name}", ring, frames, FRAMES_IN_FILE) for name, ring in self._frames.items()]

    def _check(self, ring: Ring, records: npt.NDArray[Any], frames: Span) -> None:
        """Check records that are read before any of them comes into force."""
        if ring is self._rows and not np.isfinite(records).all():
            raise ValueError("rows are not finite")
        if ring is self._frame_of and not frames[0] <= records.min() <= records.max() < frames[1]:
            raise ValueError("frame numbers point outside the frames")

    def _packed(self, values: Mapping[str, npt.ArrayLike]) -> FloatArray:
        if values.keys() != self.layout.widths.keys():
            raise ConfigError(f"replay columns are {', '.join(values)}; expected {', '.join(self.layout.widths)}")
        row = np.empty(self.layout.width, np.float32)
        try:
            for name, where in self.layout.slices.items():
                row[where] = values[name]
        except ValueError as error:
            raise ConfigError(f"replay column '{name}' holds {self.layout.widths[name]} floats: {error}") from error
        if not np.isfinite(row).all():
            bad = [name for name, where in self.layout.slices.items() if not np.isfinite(row[where]).all()]
            raise NonFiniteError(f"replay columns {', '.join(bad)} are not finite")
        return row

    def _store(self, pair: FramePair) -> tuple[int, int]:
        """Store the frames that are new; returns the numbers of both."""
        known = self._newest.pop(pair.arm, None)
        if known is None or (known.episode, known.step) != (pair.episode, pair.step) or self._is_old(known.number):
            self._append(pair.before)
            before = self._frame_end - 1
        else:
            before = known.number
            self._reach = max(self._reach, self._frame_end - 1 - before)
        self._append(pair.after)
        self._newest[pair.arm] = _Newest(pair.episode, pair.step + 1, self._frame_end - 1)
        return before, self._frame_end - 1

    def _is_old(self, number: int) -> bool:
        """A frame too old to be shared: other arms have stored many since."""
        return self._frame_end - 1 - number > min(SHARED_REACH, self._frame_capacity // 16)

    def _append(self, observation: Observation) -> None:
        slot = self._frame_end % self._frame_capacity
        for name, ring in self._frames.items():
            frame = observation.get(name)
            if frame is None or frame.shape != ring.data.shape[1:] or frame.dtype != np.uint8:
                got = "none" if frame is None else f"{frame.dtype} {frame.shape}"
                raise ConfigError(f"frame of camera '{name}' must be uint8 {ring.data.shape[1:]}; got {got}")
            ring.data[slot] = frame
        self._frame_end += 1

    def _evict(self) -> None:
        self._first = max(self._first, self._end - self.capacity)
        if self.cameras:
            oldest = self._frame_end - self._frame_capacity + self._reach
            while self._first < self._end - 1 and self._frame_of.data[self._first % self.capacity, 0] < oldest:
                self._first += 1

    def _first_frame(self) -> int:
        """Number of the oldest frame that a transition still needs."""
        if not self.cameras or not len(self):
            return self._frame_end
        needed = int(self._frame_of.data[self._first % self.capacity, 0]) - self._reach
        return max(0, needed, self._frame_end - self._frame_capacity)

    def _spans(self) -> tuple[Span, Span]:
        """First and end of the rows, and of the frames that they need."""
        return (self._first, self._end), (self._first_frame(), self._frame_end)

    def _identity(self) -> dict[str, Any]:
        cameras = [asdict(c) for c in self.cameras]
        return {"widths": self.layout.widths, "cameras": cameras, "capacity": self.capacity}

    def _checked_spans(self, about: dict[str, Any]) -> tuple[Span, Span]:
        """The spans of a saved replay that fits into this one."""
        for name, mine in self._identity().items():
            if about[name] != mine:
                raise ValueError(f"{name} {about[name]} instead of {mine}")
        rows, frames = ((int(begin), int(end)) for begin, end in (about["rows"], about["frames"]))
        for (begin, end), most in ((rows, self.capacity), (frames, self._frame_capacity)):
            if not 0 <= begin <= end <= begin + most:
                raise ValueError(f"records {begin} to {end}; at most {most} fit")
        return rows, frames
