"""One real node whose every subscriber is fed malformed messages: a process of its own, so that a crash is seen.

``python -m vlmrl_ros.nodes.bench.fuzz_node NODE --recording FILE --count N --work DIR`` writes one JSON object.
"""

from __future__ import annotations

import argparse
import copy
import gc
import importlib
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Bool, String

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.shell import FAILED, Shell
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.nodes.bench import malformed
from vlmrl_ros.nodes.bench.anything import anything
from vlmrl_ros.nodes.bench.recording import Recording, load

CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sim_bridge": ("sim_bridge:SimBridge", {"task": "reach", "learner_lag_steps": -1}),
    "policy_server": ("policy_server:PolicyServer", {}),
    "teleop": ("teleop:Teleop", {"profile": "ps"}),
    "learner": ("learner:LearnerNode", {"rlif.min_steps": 10**9, "max_steps": 10**9, "final_eval_episodes": 0}),
    "scripted_operator": ("scripted_operator:ScriptedOperator", {"operator": "reach"}),
    "evaluate": ("evaluate:Evaluate", {"episodes": 10**6, "video": True, "video_episodes": 1}),
    "recorder": ("recorder:Recorder", {}),
    "lifecycle_manager": ("lifecycle_manager:LifecycleManager", {}),
    "joystick": ("device:DeviceNode", {}),
}
"""Node: its class below ``vlmrl_ros.nodes``, and the parameters that it is fuzzed with."""
UNMANAGED = ("lifecycle_manager", "joystick")
"""They listen to the clock alone, and are fed as they are made."""
STATUS = DiagnosticStatus(name="/teleop", message="active", values=[KeyValue(key="state", value="active")])
UNREAD = {"recorder": ("instruction", "joy", "policy/status", "policy/thought", "scene")}
"""What a node keeps as it comes: no content of it can be wrong."""
STAMP_BOUND = ("observation/", "feedback", "policy/action", "command", "intervention", "executed", "scene", "film/")
START_TIMEOUT_S = 60.0
REAL_EVERY = 50
"""After so many malformed messages a real step must get through, and nothing else."""
REAL_FROM_NS = 100 * 10**9
"""The real steps come later than all that was recorded."""
EPISODE = 20
WARM_UP = 0.3
"""The first part of the messages, in which caches fill."""


class Patient:
    """The node under test, and what has happened to it."""

    def __init__(self, name: str, recording: Recording, work: Path) -> None:
        """Make the node in a context of its own, configure and activate it with the recorded task.

        Raises:
            VlmrlError: it does not come up.
        """
        target, parameters = CLASSES[name]
        given = {**parameters, "use_sim_time": True}
        if name == "learner":
            given["run_dir"] = str(work / "run")
        if name == "evaluate":
            given["output"] = str(work / "evaluation")
        if name == "recorder":
            given["directory"] = str(work / "bags")
        params_file = work / f"{name}.yaml"
        params_file.write_text(yaml.safe_dump({"/**": {"ros__parameters": given}}), encoding="utf-8")
        arguments = ["--ros-args", "--params-file", str(params_file), "--log-level", "fatal"]
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
        module, _, attribute = target.partition(":")
        self.name = name
        make = getattr(importlib.import_module(f"vlmrl_ros.nodes.{module}"), attribute)
        self.node: Shell[Any] = make(name) if attribute == "DeviceNode" else make()
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._recording = recording
        self._steps = 0
        self.wrong: Counter[str] = Counter()
        """What must not have happened, by name."""
        if name not in UNMANAGED:
            self._bring_up()

    def _bring_up(self) -> None:
        if self.node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            raise VlmrlError(f"{self.name} did not configure")
        if "spec" in self.topics():
            self.feed("spec", self._recording["spec"][-1])
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while self.name == "learner" and "feedback" not in self.topics():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"{self.name} did not begin to listen within {START_TIMEOUT_S:g} s")
        if self.node.trigger_activate() != TransitionCallbackReturn.SUCCESS:
            raise VlmrlError(f"{self.name} did not activate")

    def topics(self) -> dict[str, Any]:
        """Every subscriber of the node: relative topic to subscription."""
        return {s.topic_name.removeprefix("/"): s for s in self.node.subscriptions}

    def feed(self, topic: str, message: Any) -> None:
        """Call what rclpy would call, with the bytes where the node asked for them."""
        subscription = self.topics()[topic]
        raw = subscription.raw and not isinstance(message, bytes)
        subscription.callback(serialize_message(message) if raw else message)

    def counted(self) -> int:
        """Everything that the node has counted of what it could not use."""
        join = getattr(self.node, "_join", None)
        joined = getattr(join, "_join", join)
        waiting = 0 if joined is None else joined.late + joined.strayed + joined.dropped + joined.waiting
        return sum(n for key, n in self.node.diagnostics.counts().items() if not key.startswith(FAILED)) + waiting

    def real_step(self) -> None:
        """Feed a step as the loop would; the node must do its work once, and must have done none before."""
        before = self.node.diagnostics.steps
        if before != self._steps:
            self.wrong["acted on malformed messages"] += 1
        self._step += 1
        for topic, message in self._parts():
            self.feed(topic, message)
        if self.node.diagnostics.steps != before + 1:
            self.wrong["real steps lost"] += 1
        self._steps = self.node.diagnostics.steps

    def begin(self) -> None:
        """Say where counting begins."""
        self._step = 0
        self._steps = self.node.diagnostics.steps

    def _parts(self) -> list[tuple[str, Any]]:
        """The parts of the next step that the node listens to."""
        stamp_ns = self.next_ns()
        parts = []
        for topic in self._recording:
            if topic in self.topics() and topic.startswith(STAMP_BOUND):
                message = copy.deepcopy(self._recording[topic][0])
                message.header.stamp = messages.to_time(stamp_ns)
                if topic == "feedback":
                    message = messages.feedback_message(stamp_ns, self._feedback())
                parts.append((topic, message))
        return parts

    def _feedback(self) -> Feedback:
        """Episodes of :data:`EPISODE` steps."""
        episode, step = divmod(self._step, EPISODE)
        return Feedback(0.0, False, step == EPISODE - 1, False, episode, step)

    def next_ns(self) -> int:
        """The stamp of the next real step."""
        if self.name == "sim_bridge":
            return int(self.node._arrival.stamp_ns)  # type: ignore[attr-defined]
        return REAL_FROM_NS + self._step * 50_000_000


def fuzz(patient: Patient, topic: str, count: int, rng: np.random.Generator, samples: list[Any]) -> dict[str, int]:
    """Feed one subscriber; returns how many messages of each kind it was fed."""
    kind = type(samples[0])
    free = iter(anything(kind, count // 2))
    fed: Counter[str] = Counter()
    for k in range(count):
        sample = samples[rng.integers(len(samples))]
        way = int(rng.integers(8)) if kind in malformed.SPOILERS else int(rng.integers(3))
        if way < 2:
            message, what = next(free, None), "free"
        elif way == 2:
            raw = malformed.tear(at(sample, 1), rng)
            message, what = raw if patient.topics()[topic].raw else malformed.read_torn(raw, kind), "torn"
        elif way == 3 and topic.startswith(STAMP_BOUND):
            message, what = malformed.misplace(sample, rng), "misplaced"
        else:
            message, what = malformed.spoil(at(sample, patient.next_ns()), topic, rng), "spoiled"
        fed[what] += 1
        if message is None:
            continue  # the middleware has refused it
        before = patient.counted()
        patient.feed(topic, message)
        unread = topic in UNREAD.get(patient.name, ())
        if what == "spoiled" and not unread and patient.counted() == before:
            patient.wrong[f"not counted on {topic}"] += 1
        if patient.name not in UNMANAGED and k % REAL_EVERY == REAL_EVERY - 1:
            patient.real_step()
    return dict(fed)


def at(sample: Any, stamp_ns: int) -> Any:
    """A copy of a message under another stamp, where it has one."""
    copied = copy.deepcopy(sample)
    if hasattr(copied, "header"):
        copied.header.stamp = messages.to_time(stamp_ns)
    return copied


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("node", choices=CLASSES)
    parser.add_argument("--recording", required=True, type=Path)
    parser.add_argument("--count", required=True, type=int)
    parser.add_argument("--work", required=True, type=Path)
    a = parser.parse_args()
    recording = load(a.recording)
    thought = [String(data='{"text": "left"}')]
    recording |= {"instruction": thought, "policy/thought": thought}
    recording |= {"clock": [Clock()], "estop/state": [Bool()], "diagnostics": [DiagnosticArray(status=[STATUS])]}
    recording |= {"guide": [messages.named_vector(10**9, ["episode"], [0.0])]}
    patient = Patient(a.node, recording, a.work)
    topics = sorted(patient.topics())
    unknown = [topic for topic in topics if topic not in recording]
    if unknown:
        raise VlmrlError(f"{a.node} listens to {', '.join(unknown)}, of which the recording has nothing")
    result = _measure(patient, recording, topics, a.count)
    sys.stdout.write(json.dumps(result) + "\n")
    patient.node.close()
    rclpy.try_shutdown()


def _measure(patient: Patient, recording: Recording, topics: list[str], count: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    first = int(count * WARM_UP)
    fed: Counter[str] = Counter()
    patient.begin()
    for topic in topics:
        fed.update(fuzz(patient, topic, first, rng, recording[topic]))
    warm = resident_mib()
    for topic in topics:
        fed.update(fuzz(patient, topic, count - first, rng, recording[topic]))
    counts = patient.node.diagnostics.counts()
    return {
        "topics": topics,
        "messages": sum(fed.values()),
        "fed": dict(fed),
        "defects": {key: n for key, n in counts.items() if key.startswith(FAILED)},
        "refused": sum(n for key, n in counts.items() if key.startswith("refused")),
        "wrong": dict(patient.wrong),
        "ended": patient.node.done.done(),
        "growth_mib": resident_mib() - warm,
    }


def resident_mib() -> float:
    """Resident memory of this process after a collection."""
    gc.unfreeze()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
