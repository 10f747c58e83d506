"""A film as one picture: evenly spaced frames side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.image import imsave

from vlmrl_ros.core.errors import ShapeError

Frame = npt.NDArray[np.uint8]

_GAP_PX = 4


def image_strip(frames: Sequence[Frame], count: int) -> Frame:
    """Join evenly spaced frames, the first and the last among them, with white gaps.

    Args:
        frames: uint8 (H, W, 3) RGB each, in order of time.
        count: frames in the strip; fewer if there are fewer.

    Returns:
        uint8 (H, W', 3) RGB.

    Raises:
        ShapeError: no frames, or frames that differ in shape.
    """
    shapes = {frame.shape for frame in frames}
    if len(shapes) != 1:
        raise ShapeError(f"a strip needs frames of one shape; got {sorted(shapes) or 'no frames'}")
    chosen = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    height = frames[0].shape[0]
    gap = np.full((height, _GAP_PX, 3), 255, np.uint8)
    parts = [part for index in chosen for part in (frames[index], gap)]
    return np.concatenate(parts[:-1], axis=1)


def write_png(path: Path, image: Frame) -> None:
    """Write uint8 (H, W, 3) RGB as a PNG file."""
    imsave(path, image)
