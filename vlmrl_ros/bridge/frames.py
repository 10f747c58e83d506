"""Camera messages of any arm to the frames of the observation: decoded, cut to its shape, resized."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image

from vlmrl_ros.core.errors import ShapeError

Frame = npt.NDArray[np.uint8]

MAX_PIXELS = 4096 * 4096
"""Larger images are refused before anything is decoded."""
_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
_TO_RGB = {"bgr8": cv2.COLOR_BGR2RGB, "rgba8": cv2.COLOR_RGBA2RGB, "bgra8": cv2.COLOR_BGRA2RGB}
_TO_RGB |= {"mono8": cv2.COLOR_GRAY2RGB}
_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def check_image(message: Image, camera: str) -> None:
    """See that an image can be read, without touching its pixels.

    Raises:
        ShapeError: an encoding that is not known, a size beyond :data:`MAX_PIXELS`, or too few bytes.
    """
    if message.encoding not in _CHANNELS:
        raise ShapeError(f"camera '{camera}' sends {message.encoding!r:.40}; valid: {', '.join(_CHANNELS)}")
    height, width, row = message.height, message.width, message.step
    _check_size(camera, height, width)
    if row < width * _CHANNELS[message.encoding] or len(message.data) != row * height:
        raise ShapeError(f"camera '{camera}' sends {len(message.data)} bytes for {height} rows of {row} bytes")


def check_compressed(message: CompressedImage, camera: str) -> None:
    """See that a JPEG or PNG can be decoded into a bounded size, by its header.

    Raises:
        ShapeError: neither JPEG nor PNG, or a size beyond :data:`MAX_PIXELS`.
    """
    size = _size_of(memoryview(message.data).cast("B"))
    if size is None:
        raise ShapeError(f"camera '{camera}' sends {message.format!r:.40} that is neither JPEG nor PNG")
    _check_size(camera, *size)


def read_frame(message: Image | CompressedImage, camera: str) -> Frame:
    """Decode a checked message, uint8 (H, W, 3) RGB, in the camera's own size.

    Raises:
        ShapeError: the compressed data are damaged.
    """
    if isinstance(message, CompressedImage):
        decoded = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            raise ShapeError(f"camera '{camera}' sends a damaged {message.format!r:.40}")
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
    channels = _CHANNELS[message.encoding]
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    pixels = rows[:, : message.width * channels].reshape(message.height, message.width, channels)
    code = _TO_RGB.get(message.encoding)
    return pixels if code is None else np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def fit(frame: Frame, height: int, width: int) -> Frame:
    """The middle of a frame that has the wanted shape, resized: uint8 (height, width, 3), nothing is distorted."""
    if frame.shape[:2] == (height, width):
        return frame
    have_h, have_w = frame.shape[:2]
    cut_h = min(have_h, max(1, round(have_w * height / width)))
    cut_w = min(have_w, max(1, round(have_h * width / height)))
    top, left = (have_h - cut_h) // 2, (have_w - cut_w) // 2
    middle = frame[top : top + cut_h, left : left + cut_w]
    smaller = cut_h > height
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(middle, (width, height), interpolation=way), np.uint8)


def _check_size(camera: str, height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ShapeError(f"camera '{camera}' sends {height} x {width} pixels; valid: 1 to {MAX_PIXELS} in all")


def _size_of(data: memoryview) -> tuple[int, int] | None:
    """Height and width that the header of a PNG or JPEG tells."""
    if bytes(data[:8]) == _PNG and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    at = 2 if bytes(data[:2]) == b"\xff\xd8" else len(data)
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _START_OF_FRAME:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return height, width
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None
