"""The topics whose messages make a step, and how each is read: live by the learner, from bags, by the recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image, JointState

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.core.spec import TaskSpec


@dataclass(frozen=True)
class StepTopic:
    """One topic.

    Attributes:
        name: relative.
        part: of the step, as :class:`~vlmrl_ros.core.join.StepJoin` calls it.
        type: class of its messages.
        read: returns the part's value; raises a :class:`~vlmrl_ros.core.errors.VlmrlError` for a malformed message.
        profile: its QoS.
    """

    name: str
    part: str
    type: type[Any]
    read: Callable[[Any], Any]
    profile: QoSProfile


def step_topics(spec: TaskSpec) -> tuple[StepTopic, ...]:
    """The topics of a task's steps, in the order in which their messages appear; ``executed`` is the last."""

    def vector(name: str, part: str, of: Any) -> StepTopic:
        return StepTopic(name, part, JointState, partial(messages.read_vector, spec=of, what=name), qos.STEP)

    def image(camera: Any) -> StepTopic:
        read = partial(image_messages.read_image, camera=camera)
        return StepTopic(f"observation/{camera.name}/image_raw", camera.name, Image, read, qos.FRAME)

    intervention = partial(messages.read_intervention, action=spec.action)
    return (
        *(image(camera) for camera in spec.cameras),
        vector("observation/state", "state", spec.observation),
        StepTopic("feedback", "feedback", JointState, messages.read_feedback, qos.STEP),
        vector("policy/action", "policy_action", spec.action),
        StepTopic("intervention", "intervention", JointState, intervention, qos.STEP),
        vector("command", "command", spec.action),
        vector("executed", "executed", spec.action),
    )
