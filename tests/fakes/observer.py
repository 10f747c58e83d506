"""A ROS node of the test itself: listens, publishes, calls services and waits, all in the test's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.core.chain import Chain
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.join import STEP_PARTS, StepJoin
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.types import Step
from vlmrl_ros.core.types import Transition as StepTransition

DEADLINE_S = 30.0
STARTED_S = 90.0
ASK_AGAIN_S = 5.0
QUIET_S = 1.0
PATIENT = QoSProfile(depth=10_000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As ``qos.STEP``, with room for all that comes while the test does something else."""
CONFIGURE, CLEANUP = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP
ACTIVATE, DEACTIVATE = Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE


class Observer:
    """Sees one ROS domain."""

    def __init__(self, domain: int) -> None:
        """Join the domain."""
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node("observer", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}
        self._diagnostics: dict[str, Any] = {}
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.DIAGNOSTICS)

    def close(self) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def until(self, condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
        """Receive until the condition holds; returns its value, fails with ``what`` after the deadline."""
        end = time.monotonic() + deadline_s
        while not (value := condition()):
            assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
            self._executor.spin_once(timeout_sec=0.01)
        return value

    def say_until(self, say: Callable[[], None], condition: Callable[[], Any], what: str) -> None:
        """Say something, and again every :data:`QUIET_S`: who has just started may not know enough to take it."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
            say()
            pause = time.monotonic() + QUIET_S
            self.until(lambda pause=pause: condition() or time.monotonic() > pause, what)

    def spec(self, topic: str = "spec") -> TaskSpec:
        """The spec of the task, once a bridge is configured, which may be the last of all nodes of a launch."""
        specs = self.listen(String, topic, qos.LATCHED)
        return TaskSpec.from_json(self.until(lambda: specs, "the task's spec", STARTED_S)[0].data)

    def watch(self, duration_s: float) -> None:
        """Receive for a while, to see that something does not happen."""
        end = time.monotonic() + duration_s
        self.until(lambda: time.monotonic() >= end, "the end of the watch", duration_s + 1.0)

    def drain(self) -> None:
        """Receive what is still on the way from nodes that have ended."""
        self.watch(QUIET_S)

    def listen(self, kind: type[Any], topic: str, profile: Any = PATIENT) -> list[Any]:
        """Subscribe; the list grows with each message."""
        received: list[Any] = []
        self.node.create_subscription(kind, topic, received.append, profile)
        return received

    def publisher(self, kind: type[Any], topic: str, profile: Any = qos.STEP) -> Publisher[Any]:
        """Publish, once somebody listens."""
        publisher = self.node.create_publisher(kind, topic, profile)
        self.until(publisher.get_subscription_count, f"somebody who listens to {topic}")
        return publisher

    def call(self, kind: type[Any], service: str, request: Any, deadline_s: float = DEADLINE_S) -> Any:
        """Call a service and return its answer.

        Where a process has just died, the call may go to it alone: its place is still marked as taken, and the one that
        follows it not yet found. So it is asked again.
        """
        asked: dict[float, Future] = {}

        def answer() -> Any:
            if not asked or time.monotonic() > max(asked) + ASK_AGAIN_S:
                asked[time.monotonic()] = self.ask(kind, service, request)
            return next((future.result() for future in asked.values() if future.done()), None)

        return self.until(answer, f"an answer of {service}", deadline_s)

    def ask(self, kind: type[Any], service: str, request: Any) -> Future:
        """Call a service; the answer comes while the observer receives."""
        if service not in self._clients:
            self._clients[service] = self.node.create_client(kind, service)
        client = self._clients[service]
        self.until(client.service_is_ready, f"service {service}")
        return client.call_async(request)

    def change(self, node: str, *transitions: int) -> None:
        """Take a node through lifecycle transitions; each must succeed."""
        for transition in transitions:
            request = ChangeState.Request(transition=Transition(id=transition))
            answer = self.call(ChangeState, f"{node}/change_state", request)
            assert answer.success, f"{node}: transition {transition}"

    def bring_up_again(self, node: str) -> None:
        """Bring up a node that takes the place of a dead one, whose services may still seem to be there."""
        self._diagnostics.pop(f"/{node}", None)
        self.until(lambda: self.diagnosis(f"/{node}")[1].get("state") == "unconfigured", f"a new {node}")
        self.bring_up(node)

    def bring_up(self, *nodes: str) -> None:
        """Configure all nodes, then activate all, in this order."""
        for transition in (CONFIGURE, ACTIVATE):
            for node in nodes:
                self.change(node, transition)

    def state(self, node: str) -> str:
        """The lifecycle state of a node."""
        return str(self.call(GetState, f"{node}/get_state", GetState.Request()).current_state.label)

    def diagnosis(self, node: str) -> tuple[str, dict[str, str]]:
        """What a node last said of itself on ``/diagnostics``: message and values."""
        status = self._diagnostics.get(node)
        return (status.message, {v.key: v.value for v in status.values}) if status else ("", {})

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self._diagnostics |= {status.name: status for status in message.status}


class Watcher:
    """Joins the topics of the loop as the learner does, and leaves out what cannot be read.

    With ``paces`` it says on ``learner/status`` how far it has come, in the place of a learner, so that a bridge with
    ``learner_lag_steps`` does not run away from a test on a busy machine.
    """

    def __init__(self, observer: Observer, spec: TaskSpec, namespace: str = "", paces: bool = False) -> None:
        """Listen to everything that makes a step."""
        status = f"{namespace}learner/status"
        self._status = observer.node.create_publisher(JointState, status, qos.STEP) if paces else None
        self._heard_s = time.monotonic()
        self.steps: list[Step] = []
        self.transitions: list[StepTransition] = []
        self.chain = Chain()
        self.join = StepJoin([camera.name for camera in spec.cameras])
        self._listen(observer, f"{namespace}observation/state", "state", _reader(spec.observation))
        for topic, part in (("policy/action", "policy_action"), ("command", "command"), ("executed", "executed")):
            self._listen(observer, f"{namespace}{topic}", part, _reader(spec.action))
        self._listen(observer, f"{namespace}feedback", "feedback", messages.read_feedback)
        decided = partial(messages.read_intervention, action=spec.action)
        self._listen(observer, f"{namespace}intervention", "intervention", decided)
        for camera in spec.cameras:
            read = partial(image_messages.read_image, camera=camera)
            self._listen(observer, f"{namespace}observation/{camera.name}/image_raw", camera.name, read, Image)

    def give_up(self) -> None:
        """Leave a step that lost a part with the process that sent it, as the learner does."""
        if time.monotonic() - self._heard_s > QUIET_S and self._status is not None:
            for stamp_ns in self.join.give_up():
                self._status.publish(messages.named_vector(stamp_ns, ["version", "finished"], [0.0, 0.0]))

    def _listen(
        self, observer: Observer, topic: str, part: str, read: Callable[[Any], Any], kind: type[Any] = JointState
    ) -> None:
        assert part in STEP_PARTS or kind is Image

        def heard(message: Any) -> None:
            try:
                value = read(message)
            except VlmrlError:
                return
            self._heard_s = time.monotonic()
            for step in self.join.put(messages.stamp_of(message), part, value):
                self.steps.append(step)
                if self._status is not None:
                    self._status.publish(messages.named_vector(step.stamp_ns, ["version", "finished"], [0.0, 0.0]))
                transition = self.chain.append(step)
                if transition is not None:
                    self.transitions.append(transition)

        observer.node.create_subscription(kind, topic, heard, PATIENT)


def _reader(vector: VectorSpec) -> Callable[[JointState], Any]:
    return lambda message: messages.read_vector(message, vector, "a message that the test watches")
