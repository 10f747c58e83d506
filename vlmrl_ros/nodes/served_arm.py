"""One arm of the policy server: its topics, the join of what it sees, and the answer that it got last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.deliberation import Tick
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.spec import FloatArray, TaskSpec

STATUS_NAMES = ["version", "inference_ms", "dropped"]


class ServedArm:
    """Joins the parts of an observation and publishes the answer under the same stamp."""

    def __init__(self, node: Shell[Any], name: str, arrived: Callable[[Tick], None]) -> None:
        """Listen.

        Args:
            node: the policy server.
            name: namespace of the arm below that of the node; empty: the node's own.
            arrived: called with each complete observation.
        """
        self.name = name
        self._node, self._arrived = node, arrived
        self._spec: TaskSpec | None = None
        self._answer: JointState | None = None
        self._action = node.publisher(JointState, self.topic("policy/action"), qos.STEP)
        self._thought = node.publisher(String, self.topic("policy/thought"), qos.STEP)
        self._status = node.publisher(JointState, self.topic("policy/status"), qos.STEP)
        self._listen("observation/state", JointState, "state", qos.STEP)
        self._listen("feedback", JointState, "feedback", qos.LIVE)

    def topic(self, name: str) -> str:
        """The name of one of its topics."""
        return f"{self.name}/{name}" if self.name else name

    @property
    def dropped(self) -> int:
        """Observations that never became whole."""
        return self._join.dropped

    def begin(self, spec: TaskSpec) -> None:
        """A bridge has started (again): forget what was open."""
        if self._spec is None:
            for camera in spec.cameras:
                self._listen(f"observation/{camera.name}/image_raw", Image, camera.name, qos.FRAME)
        self._spec = spec
        self._cameras = {camera.name: camera for camera in spec.cameras}
        self._join = PartJoin(("state", "feedback", *self._cameras))
        self._answer = None

    def answer(self, stamp_ns: int, action: FloatArray, status: Mapping[str, float]) -> None:
        """Publish an action, and before it the status beside it: with the action the step goes on, maybe to its end."""
        assert self._spec is not None
        self._answer = messages.named_vector(stamp_ns, self._spec.action.names, action, "base_link")
        self._status.publish(messages.named_vector(stamp_ns, list(status), list(status.values())))
        self._action.publish(self._answer)

    def think_aloud(self, thought: Mapping[str, Any]) -> None:
        """Publish what the policy says of its reasoning."""
        self._thought.publish(String(data=json.dumps(thought)))

    def _listen(self, topic: str, kind: type[Any], part: str, profile: Any) -> None:
        self._node.listen(kind, self.topic(topic), partial(self._on_part, part), profile)

    def _on_part(self, part: str, message: Any) -> None:
        if self._spec is None or not self._node.active:
            return
        stamp_ns = messages.stamp_of(message)
        if part == "state":
            value: Any = messages.read_vector(message, self._spec.observation, "observation/state")
            if self._answer is not None and stamp_ns == messages.stamp_of(self._answer):
                self._action.publish(self._answer)  # the bridge asks again: the answer was lost on the way
                return
        elif part == "feedback":
            value = messages.read_feedback(message)
        else:
            value = image_messages.read_image(message, self._cameras[part])
        for stamp, parts in self._join.put(stamp_ns, part, value):
            feedback = parts.pop("feedback")
            self._arrived(Tick(stamp, parts, feedback, time.monotonic()))
        self._node.diagnostics.join(self._join, self.name)
