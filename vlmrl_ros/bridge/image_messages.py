"""Frames of cameras, to numpy and back."""

from __future__ import annotations

import array

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image

from vlmrl_ros.bridge.messages import to_time
from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.spec import MAX_NAME, CameraSpec


def image_message(stamp_ns: int, camera: CameraSpec, frame: npt.NDArray[np.uint8]) -> Image:
    """Compose an rgb8 image from uint8 (H, W, 3) RGB."""
    message = Image()
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = f"{camera.name}_optical_frame"
    message.height, message.width = camera.height, camera.width
    message.encoding = "rgb8"
    message.step = camera.width * 3
    message.data = array.array("B", frame.tobytes())
    return message


def read_image(message: Image, camera: CameraSpec) -> npt.NDArray[np.uint8]:
    """Read an rgb8 image as uint8 (H, W, 3) RGB.

    Raises:
        ShapeError: another size or encoding than the task spec says.
    """
    size = camera.height * camera.width * 3
    if message.encoding != "rgb8" or (message.height, message.width) != (camera.height, camera.width):
        got = f"{message.encoding[:MAX_NAME]} {message.height}x{message.width}"
        raise ShapeError(f"camera '{camera.name}' sent {got}; expected rgb8 {camera.height}x{camera.width}")
    if len(message.data) != size:
        raise ShapeError(f"camera '{camera.name}' sent {len(message.data)} bytes; expected {size}")
    return np.frombuffer(message.data, np.uint8).reshape(camera.height, camera.width, 3)
