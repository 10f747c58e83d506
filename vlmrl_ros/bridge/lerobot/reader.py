"""Reads a LeRobotDataset v3.0, our own or anybody's, episode by episode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vlmrl_ros.bridge.lerobot import layout
from vlmrl_ros.bridge.lerobot.frames import Columns, Frames
from vlmrl_ros.bridge.lerobot.video import VideoSource
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.spec import TaskSpec


@dataclass(frozen=True)
class Episode:
    """An episode.

    Attributes:
        number: within the data set.
        columns: those of numbers.
        frames: by column, uint8 (H, W, 3) RGB each.
    """

    number: int
    columns: Columns
    frames: Frames


class Dataset:
    """A data set on this disk. Nothing of it is run, and no path in it is followed but those of the standard layout."""

    def __init__(self, directory: Path) -> None:
        """Read what describes it.

        Raises:
            BagError: it is none, or of another version.
        """
        self.directory = directory
        path = directory / layout.INFO
        if not path.is_file():
            raise BagError(f"'{directory}' is no LeRobot data set (no {layout.INFO})")
        try:
            info = json.loads(path.read_text(encoding="utf-8"))
            version, self.features = str(info["codebase_version"]), _checked(info["features"])
            self.fps = float(info["fps"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BagError(f"'{path}' is damaged: {error!r}") from error
        if not version.startswith("v3.") or not self.fps > 0:
            raise BagError(
                f"'{directory}' is of version {version} at {self.fps:g} Hz; what can be read is v3 above 0 Hz"
            )
        self.cameras = [n for n, feature in self.features.items() if layout.is_frame(feature) and 3 in feature["shape"]]

    @property
    def own_spec(self) -> TaskSpec | None:
        """The task's spec, where the data set came from bags."""
        path = self.directory / layout.SPEC
        return TaskSpec.from_json(path.read_text(encoding="utf-8")) if path.is_file() else None

    def task(self) -> str:
        """What is done in it: the text of its first task, "" where it has none."""
        path = self.directory / layout.TASKS
        if not path.is_file():
            return ""
        rows = pq.read_table(path)
        names = [name for name in rows.column_names if name != "task_index"]
        return str(rows[names[0]][0]) if names and len(rows) else ""

    def range_of(self, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
        """Least and greatest value of each component of a column, by ``stats.json``; None where it does not say."""
        try:
            stats = json.loads((self.directory / layout.STATS).read_text(encoding="utf-8"))[name]
            return np.asarray(stats["min"], np.float64).reshape(-1), np.asarray(stats["max"], np.float64).reshape(-1)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def episodes(self) -> Iterator[Episode]:
        """The episodes in order.

        Raises:
            BagError: a file is missing or damaged.
        """
        files = sorted(self.directory.glob("data/*/*.parquet"))
        if not files:
            raise BagError(f"'{self.directory}' has no data/*/*.parquet")
        videos = {n: VideoSource(self.directory, n, self.fps) for n in self.cameras if not self._in_table(n)}
        places = self._places() if videos else {}
        for file in files:
            try:
                table = pq.read_table(file)
                numbers = table["episode_index"].to_numpy()
                bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
                for begin, end in pairwise(bounds):
                    rows, number = table.slice(begin, end - begin), int(numbers[begin])
                    frames = {n: source.frames(places[number], end - begin) for n, source in videos.items()}
                    yield self._episode(number, rows, frames)
            except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
                raise BagError(f"'{file}' is damaged: {error!r}") from error

    def _episode(self, number: int, rows: pa.Table, frames: dict[str, Any]) -> Episode:
        columns = {}
        for name, feature in self.features.items():
            if layout.is_frame(feature):
                if name in self.cameras and self._in_table(name):
                    frames[name] = [_decode(row, name, self.directory) for row in rows[name].to_pylist()]
            elif name in rows.column_names and feature["dtype"] not in ("string", "language"):
                columns[name] = np.array(rows[name].to_pylist(), feature["dtype"])
        for name, shown in frames.items():
            height, width = _size(self.features[name])
            if any(frame.shape != (height, width, 3) for frame in shown):
                raise BagError(f"frames of '{name}' are of shape {shown[0].shape}; info.json says {height} x {width}")
        return Episode(number, columns, frames)

    def _in_table(self, name: str) -> bool:
        return bool(self.features[name]["dtype"] == "image")

    def _places(self) -> dict[int, dict[str, Any]]:
        """The record of each episode, but for its statistics."""
        found = {}
        for file in sorted(self.directory.glob("meta/episodes/*/*.parquet")):
            names = [name for name in pq.read_schema(file).names if not name.startswith("stats/")]
            found |= {row["episode_index"]: row for row in pq.read_table(file, columns=names).to_pylist()}
        return found

    def camera_size(self, name: str) -> tuple[int, int]:
        """Height and width of a camera's frames, pixels."""
        return _size(self.features[name])


def _checked(features: Any) -> layout.Features:
    for name, feature in features.items():
        if "/" in name or "\\" in name:
            raise ValueError(f"a column called {name!r}")
        if not all(isinstance(side, int) and side > 0 for side in feature["shape"]):
            raise ValueError(f"{name} of shape {feature['shape']}")
    return dict(features)


def _size(feature: dict[str, Any]) -> tuple[int, int]:
    """Height and width; the channels may come first."""
    shape = list(feature["shape"])
    names = feature.get("names") or []
    channels = next((i for i, n in enumerate(names) if n in ("channel", "channels")), 2)
    height, width = (side for index, side in enumerate(shape) if index != channels)
    return height, width


def _decode(row: dict[str, Any], name: str, directory: Path) -> npt.NDArray[np.uint8]:
    if not row or not row["bytes"]:
        raise BagError(f"'{directory}' keeps frames of '{name}' in other files; embed them first")
    frame = cv2.imdecode(np.frombuffer(row["bytes"], np.uint8), cv2.IMREAD_COLOR)
    if frame is None:
        raise BagError(f"a frame of '{name}' in '{directory}' is no picture")
    return np.ascontiguousarray(frame[..., ::-1])
