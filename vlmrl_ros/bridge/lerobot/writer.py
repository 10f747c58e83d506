"""Writes a LeRobotDataset v3.0, episode by episode, aside; it appears when it is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vlmrl_ros.bridge.lerobot import layout
from vlmrl_ros.bridge.lerobot.frames import columns_of
from vlmrl_ros.bridge.lerobot.stats import Stats, frame_stats, merge, number_stats
from vlmrl_ros.bridge.lerobot.video import VideoFile
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step

MIB = 2**20


class DatasetWriter:
    """One data set of one task."""

    def __init__(self, directory: Path, spec: TaskSpec, task: str, video: bool) -> None:
        """Begin.

        Args:
            directory: must not exist yet.
            spec: of the task.
            task: what is done, in words.
            video: frames go into MP4 files, which are small and inexact; otherwise into the table as PNG.

        Raises:
            BagError: the directory exists, or the control rate is no whole number.
        """
        if directory.exists():
            raise BagError(f"'{directory}' exists already; choose a directory that does not")
        self._fps = round(1.0 / spec.control_dt_s)
        if abs(self._fps * spec.control_dt_s - 1.0) > 1e-6:
            raise BagError(f"a control step of {spec.control_dt_s:g} s; a LeRobot data set has a whole rate in Hz")
        self._directory, self._spec, self._task = directory, spec, task
        self._aside = directory.with_name(f".{directory.name}.partial")
        shutil.rmtree(self._aside, ignore_errors=True)
        self.features = layout.features_of(spec, video)
        self._schema = layout.arrow_schema(self.features)
        self._episodes: list[dict[str, Any]] = []
        self._stats: list[dict[str, Stats]] = []
        self._frames = 0
        self._file = 0
        self._table: pq.ParquetWriter | None = None
        self._videos = {
            name: VideoFile(self._aside, name, self._fps)
            for name, feature in self.features.items()
            if feature["dtype"] == "video"
        }

    def add(self, steps: Sequence[Step]) -> None:
        """Append an episode: consecutive steps, two or more."""
        columns = {**columns_of(steps), **self._counts(len(steps))}
        if layout.STATE not in self.features:
            del columns[layout.STATE]
        frames = {layout.IMAGES + c.name: [step.observation[c.name] for step in steps] for c in self._spec.cameras}
        self._write_table(columns, frames)
        stats = {name: number_stats(values) for name, values in columns.items()}
        stats |= {name: frame_stats(shown) for name, shown in frames.items()}
        index = len(self._episodes)
        about = {
            "episode_index": index,
            "tasks": [self._task],
            "length": len(steps),
            **dict(zip(("data/chunk_index", "data/file_index"), _place(self._file), strict=True)),
            "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + len(steps),
        }
        for name, video in self._videos.items():
            about |= video.add(frames[name])
        about |= {
            f"stats/{name}/{key}": value.tolist() for name, found in stats.items() for key, value in found.items()
        }
        self._episodes.append({**about, "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0})
        self._stats.append(stats)
        self._frames += len(steps)

    def close(self) -> None:
        """Write what describes the whole, and give the data set its name.

        Raises:
            BagError: there is no episode.
        """
        if self._table is not None:
            self._table.close()
        for video in self._videos.values():
            video.close()
        if not self._episodes:
            shutil.rmtree(self._aside, ignore_errors=True)
            raise BagError("no episode to export: the bags hold no two consecutive steps")
        tasks = pa.table({"task_index": pa.array([0]), "task": pa.array([self._task])})
        self._write(layout.TASKS, tasks.replace_schema_metadata({"pandas": _INDEXED_BY_TASK}))
        self._write(layout.EPISODES.format(chunk_index=0, file_index=0), pa.Table.from_pylist(self._episodes))
        stats = {name: merge([episode[name] for episode in self._stats]) for name in self._stats[0]}
        plain = {name: {key: value.tolist() for key, value in found.items()} for name, found in stats.items()}
        for path, content in ((layout.STATS, plain), (layout.INFO, self._info())):
            (self._aside / path).write_text(json.dumps(content, indent=4), encoding="utf-8")
        (self._aside / layout.SPEC).write_text(self._spec.to_json(), encoding="utf-8")
        self._aside.rename(self._directory)

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": layout.VERSION,
            "robot_type": None,
            "total_episodes": len(self._episodes),
            "total_frames": self._frames,
            "total_tasks": 1,
            "chunks_size": layout.FILES_IN_CHUNK,
            "data_files_size_in_mb": layout.DATA_FILE_MIB,
            "video_files_size_in_mb": layout.VIDEO_FILE_MIB,
            "fps": self._fps,
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": layout.DATA,
            "video_path": layout.VIDEO if self._videos else None,
            "features": self.features,
        }

    def _counts(self, length: int) -> dict[str, npt.NDArray[Any]]:
        frame = np.arange(length)
        return {
            "timestamp": (frame / self._fps).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(length, len(self._episodes)),
            "index": self._frames + frame,
            "task_index": np.zeros(length, np.int64),
        }

    def _write_table(
        self, columns: dict[str, npt.NDArray[Any]], frames: dict[str, list[npt.NDArray[np.uint8]]]
    ) -> None:
        """One row group an episode, in a file that is not too large."""
        path = self._data_path()
        if self._table is not None and path.stat().st_size >= layout.DATA_FILE_MIB * MIB:
            self._table.close()
            self._table = None
            self._file += 1
            path = self._data_path()
        if self._table is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._table = pq.ParquetWriter(path, self._schema, compression="snappy", use_dictionary=True)
        arrays = []
        for name in self._schema.names:
            feature = self.features[name]
            arrays.append(_pngs(frames[name]) if name in frames else layout.arrow_column(feature, columns[name]))
        self._table.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def _data_path(self) -> Path:
        chunk, file = _place(self._file)
        return self._aside / layout.DATA.format(chunk_index=chunk, file_index=file)

    def _write(self, name: str, table: pa.Table) -> None:
        path = self._aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)


def _place(file: int) -> tuple[int, int]:
    """Chunk of a file, and its number there."""
    return divmod(file, layout.FILES_IN_CHUNK)


def _pngs(frames: Sequence[npt.NDArray[np.uint8]]) -> pa.Array:
    encoded = [cv2.imencode(".png", frame[..., ::-1])[1].tobytes() for frame in frames]
    rows = [{"bytes": data, "path": f"frame-{index:06d}.png"} for index, data in enumerate(encoded)]
    return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def _pandas_column(name: str, pandas_type: str, numpy_type: str) -> dict[str, Any]:
    types = {"pandas_type": pandas_type, "numpy_type": numpy_type, "metadata": None}
    return {"name": name, "field_name": name, **types}


_INDEXED_BY_TASK = json.dumps(
    {
        "index_columns": ["task"],
        "column_indexes": [
            {
                **_pandas_column("", "unicode", "object"),
                "name": None,
                "field_name": None,
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [_pandas_column("task_index", "int64", "int64"), _pandas_column("task", "unicode", "object")],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.3",
    }
)
"""LeRobot reads the tasks with pandas and expects their text as the index."""
