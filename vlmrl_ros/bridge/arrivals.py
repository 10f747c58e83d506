"""Publishes what a bridge says of each step: observation, feedback, executed action, scene, joints and clock."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.episode import Arrival
from vlmrl_ros.core.safety import Applied
from vlmrl_ros.core.spec import CameraSpec, TaskSpec

FILM = CameraSpec("film", 240, 320)
"""Frames for people, beside the observation: ``film/image_raw``, rendered from the task's front view."""


class ArrivalPublisher:
    """The publishing half of a bridge."""

    def __init__(self, shell: Shell, spec: TaskSpec, simulated: bool = True, instructs: bool = False) -> None:
        """Create the publishers and publish the spec, which stays readable for those who come later.

        Args:
            shell: the bridge.
            spec: of the task.
            simulated: the bridge is the source of time and of the joints too; a real arm has its own driver for these.
            instructs: the task says what is to be done, and no person.
        """
        self._spec = spec
        self._clock = shell.publisher(Clock, "/clock", qos.CLOCK) if simulated else None
        self._state = shell.publisher(JointState, "observation/state", qos.STEP)
        self._feedback = shell.publisher(JointState, "feedback", qos.STEP)
        self._executed = shell.publisher(JointState, "executed", qos.STEP)
        self._scene = shell.publisher(JointState, "scene", qos.STEP)
        self._joints = shell.publisher(JointState, "joint_states", qos.STEP) if simulated else None
        self._cameras = {
            camera: shell.publisher(Image, f"observation/{camera.name}/image_raw", qos.FRAME) for camera in spec.cameras
        }
        self._film = shell.publisher(Image, "film/image_raw", qos.FRAME) if simulated else None
        self._instruction = shell.publisher(String, "instruction", qos.LATCHED) if instructs else None
        self._spec_publisher = shell.publisher(String, "spec", qos.LATCHED)
        self._spec_publisher.publish(String(data=spec.to_json()))

    def arrival(self, arrival: Arrival) -> None:
        """Publish one step; all parts bear its stamp."""
        stamp_ns, observation = arrival.stamp_ns, arrival.observation
        if self._clock is not None:
            self._clock.publish(Clock(clock=messages.to_time(stamp_ns)))
        for camera, publisher in self._cameras.items():
            publisher.publish(image_messages.image_message(stamp_ns, camera, observation[camera.name]))
        names = self._spec.observation.names
        self._state.publish(messages.named_vector(stamp_ns, names, observation["state"], "base_link"))
        self._feedback.publish(messages.feedback_message(stamp_ns, arrival.feedback))
        self._publish_values(self._scene, stamp_ns, arrival.scene)
        if self._joints is not None:
            self._publish_values(self._joints, stamp_ns, arrival.joints)

    def instruct(self, text: str) -> None:
        """Publish what is to be done in the episode that is about to begin."""
        assert self._instruction is not None
        self._instruction.publish(String(data=text))

    def film(self, stamp_ns: int, frame: npt.NDArray[np.uint8]) -> None:
        """Publish a frame for people, uint8 (240, 320, 3) RGB."""
        assert self._film is not None
        self._film.publish(image_messages.image_message(stamp_ns, FILM, frame))

    def executed(self, stamp_ns: int, applied: Applied) -> None:
        """Publish what was really applied from the step ``stamp_ns`` on."""
        names = [*self._spec.action.names, messages.LIMITED_NAME]
        values = [*applied.action, float(bool(applied.reasons))]
        self._executed.publish(messages.named_vector(stamp_ns, names, values, "base_link"))

    @staticmethod
    def _publish_values(publisher: Publisher[JointState], stamp_ns: int, values: Mapping[str, float]) -> None:
        if values:
            publisher.publish(messages.named_vector(stamp_ns, list(values), list(values.values())))
