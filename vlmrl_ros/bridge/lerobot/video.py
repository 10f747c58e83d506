"""Frames of one camera in MP4 files, the episodes one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vlmrl_ros.bridge.lerobot import layout
from vlmrl_ros.core.errors import BagError

CODEC = "mp4v"
"""MPEG-4 part 2: what OpenCV's wheels can always encode."""


class VideoFile:
    """Writes a camera's videos."""

    def __init__(self, root: Path, key: str, fps: int) -> None:
        """Nothing is opened yet.

        Args:
            root: of the data set.
            key: the camera's column.
            fps: frames a second.
        """
        self._root, self._key, self._fps = root, key, fps
        self._file = self._written = 0
        self._video: cv2.VideoWriter | None = None

    def add(self, frames: Sequence[npt.NDArray[np.uint8]]) -> dict[str, Any]:
        """Append an episode's frames, uint8 (H, W, 3) RGB; returns where they are, for the episode's record.

        Raises:
            BagError: the codec is missing.
        """
        if self._video is not None and self._path().stat().st_size >= layout.VIDEO_FILE_MIB * 2**20:
            self.close()
            self._file, self._written = self._file + 1, 0
        if self._video is None:
            height, width, _ = frames[0].shape
            self._path().parent.mkdir(parents=True, exist_ok=True)
            code = cv2.VideoWriter.fourcc(*CODEC)
            self._video = cv2.VideoWriter(str(self._path()), code, self._fps, (width, height))
            if not self._video.isOpened():
                raise BagError(f"OpenCV cannot write {CODEC} video here; leave --video out")
        for frame in frames:
            self._video.write(np.ascontiguousarray(frame[..., ::-1]))
        begin, self._written = self._written, self._written + len(frames)
        chunk, file = divmod(self._file, layout.FILES_IN_CHUNK)
        prefix = f"videos/{self._key}"
        return {
            f"{prefix}/chunk_index": chunk,
            f"{prefix}/file_index": file,
            f"{prefix}/from_timestamp": begin / self._fps,
            f"{prefix}/to_timestamp": self._written / self._fps,
        }

    def close(self) -> None:
        """End the file."""
        if self._video is not None:
            self._video.release()
            self._video = None

    def _path(self) -> Path:
        return video_path(self._root, self._key, *divmod(self._file, layout.FILES_IN_CHUNK))


class VideoSource:
    """Reads frames of one camera, in order where possible."""

    def __init__(self, root: Path, key: str, fps: float) -> None:
        """As :class:`VideoFile`."""
        self._root, self._key, self._fps = root, key, fps
        self._open: tuple[Path, cv2.VideoCapture] | None = None
        self._next = 0

    def frames(self, about: dict[str, Any], count: int) -> list[npt.NDArray[np.uint8]]:
        """The first frames of an episode, uint8 (H, W, 3) RGB.

        Args:
            about: the record of the episode.
            count: how many.

        Raises:
            BagError: the file is missing, too short, or of a codec that OpenCV cannot decode here.
        """
        prefix = f"videos/{self._key}"
        path = video_path(self._root, self._key, about[f"{prefix}/chunk_index"], about[f"{prefix}/file_index"])
        if self._open is None or self._open[0] != path:
            self._open, self._next = (path, cv2.VideoCapture(str(path))), 0
        capture = self._open[1]
        begin = round(about[f"{prefix}/from_timestamp"] * self._fps)
        if begin != self._next:
            capture.set(cv2.CAP_PROP_POS_FRAMES, begin)
        found = []
        for _ in range(count):
            ok, frame = capture.read()
            if not ok:
                raise BagError(
                    f"'{path}' cannot be read at frame {begin + len(found)}: missing, too short or of an unknown codec"
                )
            found.append(np.ascontiguousarray(frame[..., ::-1]))
        self._next = begin + count
        return found


def video_path(root: Path, key: str, chunk: int, file: int) -> Path:
    """Where a video file is."""
    return root / layout.VIDEO.format(video_key=key, chunk_index=chunk, file_index=file)
