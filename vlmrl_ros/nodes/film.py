"""A film for people: an MP4, and one picture with a row of frames for each episode."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vlmrl_ros.bridge.arrivals import FILM
from vlmrl_ros.policies.evaluation.strip import image_strip, write_png

STRIP_FRAMES = 6
_HOLD_FRAMES = 5

Frame = npt.NDArray[np.uint8]


class Film:
    """Writes ``film.mp4`` while it goes on and ``film.png`` at the end."""

    def __init__(self, directory: Path, rate_hz: float) -> None:
        """Open the video.

        Args:
            directory: where to write; exists.
            rate_hz: frames a second.
        """
        codec = cv2.VideoWriter_fourcc(*"mp4v")
        self._video = cv2.VideoWriter(str(directory / "film.mp4"), codec, rate_hz, (FILM.width, FILM.height))
        self._picture = directory / "film.png"
        self._episode: list[Frame] = []
        self._strips: list[Frame] = []

    def add(self, frame: Frame, last: bool) -> None:
        """Add the frame of one step, uint8 (H, W, 3) RGB; ``last`` ends an episode."""
        self._episode.append(frame)
        for _ in range(_HOLD_FRAMES if last else 1):
            self._video.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if last:
            self._strips.append(image_strip(self._episode, STRIP_FRAMES))
            self._episode.clear()

    def close(self) -> None:
        """Finish both files."""
        self._video.release()
        if self._strips:
            width = min(strip.shape[1] for strip in self._strips)
            write_png(self._picture, np.concatenate([strip[:, :width] for strip in self._strips]))
