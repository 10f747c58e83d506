"""The node under test: a real one, made, configured and activated in this process, and fed by hand."""

from __future__ import annotations

import copy
import importlib
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.shell import FAILED, Shell
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.nodes.bench.recording import Recording

JUDGING: Mapping[str, Any] = {"operator": "reach", "operator.trigger": "judged"}
CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sim_bridge": ("sim_bridge:SimBridge", {"task": "reach", "learner_lag_steps": -1}),
    "sim_bridge+curriculum": ("sim_bridge:SimBridge", {"task": "reach", "learner_lag_steps": -1, "curriculum": True}),
    "arm_bridge": ("arm_bridge:ArmBridge", {"safety.dead_man_button": 4}),
    "sim_arm": ("sim_arm:SimArm", {"cell": "pick_lift"}),
    "policy_server": ("policy_server:PolicyServer", {}),
    "policy_server+candidates": ("policy_server:PolicyServer", {}),
    "selector": ("selector:Selector", {}),
    "teleop": ("teleop:Teleop", {"profile": "ps"}),
    "learner": ("learner:LearnerNode", {"rlif.min_steps": 10**9, "max_steps": 10**9, "final_eval_episodes": 0}),
    "scripted_operator": ("scripted_operator:ScriptedOperator", {"operator": "reach"}),
    "scripted_operator+executed": ("scripted_operator:ScriptedOperator", JUDGING),
    "scripted_operator+proposed": ("scripted_operator:ScriptedOperator", JUDGING),
    "evaluate": ("evaluate:Evaluate", {"episodes": 10**6, "video": True, "video_episodes": 1}),
    "recorder": ("recorder:Recorder", {}),
    "text_bridge": ("text_bridge:TextBridge", {"task": "maze"}),
    "text_policy_server": ("text_policy_server:TextPolicyServer", {"sync": False}),
    "text_learner": ("text_learner:TextLearner", {"episodes": 10**9, "data": 5, "offline_updates": 1}),
    "text_recorder": ("text_recorder:TextRecorder", {}),
    "lifecycle_manager": ("lifecycle_manager:LifecycleManager", {}),
    "joystick": ("device:DeviceNode", {}),
}
"""Node, and after a ``+`` how it is configured: its class below ``vlmrl_ros.nodes``, and the parameters."""
DIRECTORIES = {
    "learner": ("run_dir", "run"),
    "evaluate": ("output", "evaluation"),
    "recorder": ("directory", "bags"),
    "text_learner": ("run_dir", "text_run"),
    "text_recorder": ("directory", "text_bags"),
}
"""Parameter that names a directory, and the directory's name."""
LEARNERS = ("learner", "text_learner")
"""They listen to steps when their worker is ready for them."""
UNMANAGED = ("lifecycle_manager", "joystick")
"""They listen to the clock alone, and are fed as they are made."""
STAMP_BOUND = ("observation/", "feedback", "policy/action", "command", "intervention", "executed", "scene", "film/")
START_TIMEOUT_S = 60.0
REAL_FROM_NS = 100 * 10**9
"""The real steps come later than all that was recorded."""
EPISODE = 20


class Patient:
    """The node under test, and what has happened to it."""

    clock = "simulated"
    """Whether the node takes its time from ``/clock``, as in simulation, or is a robot's."""

    def __init__(self, name: str, recording: Recording, work: Path) -> None:
        """Make the node in a context of its own, configure and activate it with the recorded task.

        Raises:
            VlmrlError: it does not come up.
        """
        self.name = name
        self.step = self.steps = 0
        self.recording = {**recording, **self.more_samples()}
        self.wrong: Counter[str] = Counter()
        """What must not have happened, by name."""
        target, parameters = CLASSES[name]
        given = {**parameters, **self.more_parameters(work), "use_sim_time": self.clock == "simulated"}
        params_file = work / f"{name}.yaml"
        params_file.write_text(yaml.safe_dump({"/**": {"ros__parameters": given}}), encoding="utf-8")
        arguments = ["--ros-args", "--params-file", str(params_file), "--log-level", "fatal"]
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
        module, _, attribute = target.partition(":")
        make = getattr(importlib.import_module(f"vlmrl_ros.nodes.{module}"), attribute)
        self.node: Shell[Any] = make(name) if attribute == "DeviceNode" else make()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        if name not in UNMANAGED:
            self.bring_up()

    def more_samples(self) -> Recording:
        """Messages of topics that the recorded loop does not have."""
        return {}

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """Parameters that depend on the working directory."""
        if self.name not in DIRECTORIES:
            return {}
        parameter, directory = DIRECTORIES[self.name]
        return {parameter: str(work / directory)}

    def bring_up(self) -> None:
        """Configure and activate.

        Raises:
            VlmrlError: it fails.
        """
        if self.node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            raise VlmrlError(f"{self.name} did not configure")
        if "spec" in self.topics():
            self.feed("spec", self.recording["spec"][-1])
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while self.name in LEARNERS and "feedback" not in self.topics():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"{self.name} did not begin to listen within {START_TIMEOUT_S:g} s")
        if self.node.trigger_activate() != TransitionCallbackReturn.SUCCESS:
            raise VlmrlError(f"{self.name} did not activate")

    def until_a_step(self) -> None:
        """Let the node work until it has begun.

        Raises:
            VlmrlError: it does not.
        """
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while self.node.diagnostics.steps == 0:
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"{self.name} began no episode within {START_TIMEOUT_S:g} s")

    def end(self) -> None:
        """Close the node and its context."""
        self.node.close()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def topics(self) -> dict[str, Any]:
        """Every subscriber of the node: relative topic to subscription."""
        return {s.topic_name.removeprefix("/"): s for s in self.node.subscriptions}

    def opened(self) -> dict[str, list[str]]:
        """What the node has opened by now: full names of topics and services, by the kinds of a ``Grant``."""
        node = self.node
        services = [node.resolve_service_name(service.service_name) for service in node.services]
        return {
            "publish": sorted({publisher.topic_name for publisher in node.publishers}),
            "subscribe": sorted({subscription.topic_name for subscription in node.subscriptions}),
            "reply": sorted(services),
            "request": sorted({node.resolve_service_name(client.service_name) for client in node.clients}),
        }

    def feed(self, topic: str, message: Any) -> None:
        """Call what rclpy would call, with the bytes where the node asked for them."""
        subscription = self.topics()[topic]
        raw = subscription.raw and not isinstance(message, bytes)
        subscription.callback(serialize_message(message) if raw else message)

    def counted(self) -> int:
        """Everything that the node has counted of what it could not use."""
        arms = getattr(self.node, "arms", None)
        join = arms[0].join if arms else getattr(self.node, "_join", None)
        joined = getattr(join, "_join", join)
        waiting = 0 if joined is None else joined.late + joined.strayed + joined.dropped + joined.waiting
        return sum(n for key, n in self.node.diagnostics.counts().items() if not key.startswith(FAILED)) + waiting

    def real_step(self) -> None:
        """Feed a step as the loop would; the node must do its work once, and must have done none before."""
        before = self.node.diagnostics.steps
        if before != self.steps:
            self.wrong["acted on malformed messages"] += 1
        self.step += 1
        self.work()
        if self.node.diagnostics.steps != before + 1:
            self.wrong["real steps lost"] += 1
        self.steps = self.node.diagnostics.steps

    def begin(self) -> None:
        """Say where counting begins."""
        self.step = 0
        self.steps = self.node.diagnostics.steps

    def work(self) -> None:
        """Feed the parts of the next step that the node listens to."""
        stamp_ns = self.next_ns("")
        for topic in self.recording:
            if topic in self.topics() and topic.startswith(STAMP_BOUND):
                message = copy.deepcopy(self.recording[topic][0])
                message.header.stamp = messages.to_time(stamp_ns)
                if topic == "feedback":
                    message = messages.feedback_message(stamp_ns, self._feedback())
                self.feed(topic, message)

    def _feedback(self) -> Feedback:
        """Episodes of :data:`EPISODE` steps."""
        episode, step = divmod(self.step, EPISODE)
        return Feedback(0.0, False, step == EPISODE - 1, False, episode, step)

    def next_ns(self, topic: str) -> int:
        """The stamp under which a message of a topic would be taken now."""
        if self.node.get_name() == "sim_bridge":
            return int(self.node._arrival.stamp_ns)  # type: ignore[attr-defined]
        return REAL_FROM_NS + self.step * 50_000_000
