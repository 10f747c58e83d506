"""The topics whose messages make a step, and how each is read: live by the learner, from bags, by the recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.thought_messages import read_thought, read_thought_age
from vlmrl_ros.core.join import SPOKEN, SPOKEN_AGE
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

    def parse(self, message: Any) -> tuple[int, Any]:
        """The stamp, ns, and the part's value; what the policy said has its stamp in itself, or none."""
        value = self.read(message)
        if self.part == SPOKEN:
            return (value.stamp_ns if value is not None else -1), value
        return messages.stamp_of(message), value


def step_topics(spec: TaskSpec, listens: bool = False) -> tuple[StepTopic, ...]:
    """The topics of a task's steps, in the order in which their messages appear; ``executed`` is the last.

    Args:
        spec: of the task.
        listens: with what a policy that thinks says, see :class:`~vlmrl_ros.core.join.StepJoin`.
    """

    def vector(name: str, part: str, of: Any) -> StepTopic:
        return StepTopic(name, part, JointState, partial(messages.read_vector, spec=of, what=name), qos.STEP)

    def image(camera: Any) -> StepTopic:
        read = partial(image_messages.read_image, camera=camera)
        return StepTopic(f"observation/{camera.name}/image_raw", camera.name, Image, read, qos.FRAME)

    intervention = partial(messages.read_intervention, action=spec.action)
    said = (
        StepTopic("policy/thought", SPOKEN, String, read_thought, qos.STEP),
        StepTopic("policy/status", SPOKEN_AGE, JointState, read_thought_age, qos.STEP),
    )
    return (
        *(said if listens else ()),
        *(image(camera) for camera in spec.cameras),
        vector("observation/state", "state", spec.observation),
        StepTopic("feedback", "feedback", JointState, messages.read_feedback, qos.STEP),
        vector("policy/action", "policy_action", spec.action),
        StepTopic("intervention", "intervention", JointState, intervention, qos.STEP),
        vector("command", "command", spec.action),
        vector("executed", "executed", spec.action),
    )
