"""The cameras of ``sim_arm``, raw or as JPEG."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CompressedImage, Image

from vlmrl_ros.bridge import image_messages, robot_messages
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.sim.task import ArmTask

if TYPE_CHECKING:
    from vlmrl_ros.nodes.sim_arm import SimArmConfig


class SimCameras:
    """Renders nothing where no camera is wanted."""

    def __init__(
        self, task: ArmTask, config: SimArmConfig, sender: Callable[[type[Any], str], Callable[[Any], None]]
    ) -> None:
        """Offer the topics; ``sender`` makes the way out of one."""
        self._task = task
        self._compressed = config.compressed
        kind, end = (CompressedImage, "/compressed") if config.compressed else (Image, "")
        self._ways = {
            CameraSpec(name, config.image_size, config.image_size): sender(kind, f"{name}/image_raw{end}")
            for name in config.cameras
        }

    def publish(self, stamp_ns: int) -> None:
        """Take a frame of each camera.

        Raises:
            RenderError: no OpenGL backend.
        """
        for camera, send in self._ways.items():
            frame = self._task.render(camera.name, camera.height, camera.width)
            if not self._compressed:
                send(image_messages.image_message(stamp_ns, camera, frame))
                continue
            import cv2  # loads OpenCV: only where JPEG is wanted

            _, data = cv2.imencode(".jpg", frame[:, :, ::-1])
            send(robot_messages.jpeg_message(stamp_ns, camera.name, data.tobytes()))
