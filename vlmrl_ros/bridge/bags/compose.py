"""Steps to messages: what the loop would have said of them, for bags that are made from other data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.serialization import serialize_message
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.bags.definitions import describe
from vlmrl_ros.bridge.bags.writer import BagWriter
from vlmrl_ros.bridge.step_topics import step_topics
from vlmrl_ros.core.mcap import Message, Topic
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Mark, Step


@dataclass(frozen=True)
class Recorded:
    """A step and what its messages say besides.

    Attributes:
        step: the step.
        mark: of the episode, in ``command``.
        limited: the command was changed by the limits, in ``executed``.
    """

    step: Step
    mark: Mark = Mark.NONE
    limited: bool = False


def step_messages(recorded: Recorded, spec: TaskSpec, namespace: str = "/") -> list[Message]:
    """The messages of a step as the nodes send them, ``executed`` last."""
    step, stamp_ns = recorded.step, recorded.step.stamp_ns
    limited = [*spec.action.names, messages.LIMITED_NAME]
    parts: dict[str, Any] = {
        "state": messages.named_vector(stamp_ns, spec.observation.names, step.observation["state"], "base_link"),
        "feedback": messages.feedback_message(stamp_ns, step.feedback),
        "policy_action": messages.named_vector(stamp_ns, spec.action.names, step.policy_action, "base_link"),
        "intervention": messages.intervention_message(stamp_ns, step.intervention, spec.action),
        "command": messages.command_message(stamp_ns, spec.action, step.command, recorded.mark),
        "executed": messages.named_vector(stamp_ns, limited, [*step.executed, float(recorded.limited)], "base_link"),
    }
    parts |= {c.name: image_messages.image_message(stamp_ns, c, step.observation[c.name]) for c in spec.cameras}
    return [
        Message(f"{namespace}{topic.name}", stamp_ns, serialize_message(parts[topic.part]))
        for topic in step_topics(spec)
    ]


def spec_message(spec: TaskSpec, stamp_ns: int, namespace: str = "/") -> Message:
    """The message that a bag of the task begins with."""
    return Message(f"{namespace}spec", stamp_ns, serialize_message(String(data=spec.to_json())))


def describe_step_topics(spec: TaskSpec, namespace: str = "/") -> Mapping[str, Topic]:
    """Descriptions of the topics of a task's steps and of its spec, by name."""
    found = [describe(f"{namespace}{topic.name}", topic.type, topic.profile) for topic in step_topics(spec)]
    return {topic.name: topic for topic in [*found, describe(f"{namespace}spec", String, qos.LATCHED)]}


def write_bag(folder: Path, steps: Sequence[Step], spec: TaskSpec) -> None:
    """Write the steps of an episode as a bag that ends whole."""
    bag, topics = BagWriter(folder), describe_step_topics(spec)
    bag.write([spec_message(spec, steps[0].stamp_ns)], topics)
    for step in steps:
        bag.write(step_messages(Recorded(step), spec), topics)
    bag.close()
