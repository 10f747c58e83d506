"""Malformed messages at every subscriber of every node: in process at full speed, and over the wire in a loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState, Joy
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.weights import Weights, encode
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench import malformed
from vlmrl_ros.nodes.bench.figures import NONE, Figures
from vlmrl_ros.nodes.bench.fuzz_patient import CLASSES
from vlmrl_ros.nodes.bench.launched import environment, ros_environment
from vlmrl_ros.nodes.bench.loop import running
from vlmrl_ros.nodes.bench.recording import Recording, save

COUNT, QUICK_COUNT = 10_000, 400
WIRE_COUNT, QUICK_WIRE_COUNT = 1000, 200
"""Messages for each topic over the wire."""
MARKS = {"crashes": NONE, "uncounted": NONE, "effects_on_arm": NONE}
STEPS = 60
"""Steps of the loop that must come after the last message of a stranger."""
DEADLINE_S = 180.0
NODE_TIMEOUT_S = 3600.0
LOOP: Mapping[str, Mapping[str, Any]] = {
    "policy_server": {},
    "teleop": {"profile": "ps"},
    "sim_bridge": {"task": "reach", "learner_lag_steps": -1, "film": True},
}
"""The loop over the wire: it has no learner, so that one seed always gives one and the same motion."""
VECTORS = ("observation/state", "feedback", "scene", "policy/action", "command", "intervention", "executed")
TOPICS: Mapping[str, tuple[type[Any], QoSProfile]] = {
    **dict.fromkeys(VECTORS, (JointState, qos.STEP)),
    "learner/status": (JointState, qos.STEP),
    "policy/status": (JointState, qos.STEP),
    "film/image_raw": (Image, qos.FRAME),
    "joy": (Joy, qos.JOY),
    "spec": (String, qos.LATCHED),
    "weights": (UInt8MultiArray, qos.LATCHED),
    "clock": (Clock, qos.CLOCK),
}
WIRED = (
    "observation/state",
    "feedback",
    "policy/action",
    "command",
    "learner/status",
    "joy",
    "spec",
    "weights",
    "clock",
)
"""Topics that a node of the loop over the wire listens to."""
MADE = ("joy", "learner/status", "weights")
"""Topics on which this loop has no publisher."""
PATIENT = QoSProfile(depth=10_000, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def measure(quick: bool, work: Path) -> Figures:
    """Record a loop, disturb it, and feed what was recorded, malformed, to each node on its own.

    Returns:
        ``messages`` fed in all; ``crashes`` (processes that ended, and defects that a message met);
        ``memory_growth_mib``, the greatest of any node; ``effects_on_arm``: steps whose ``executed`` differs from the
        undisturbed run, and motions or work of a node that no real step asked for; ``uncounted``: messages that could
        not be used and that no counter of the node shows.
    """
    recording, disturbed = over_the_wire(work, QUICK_WIRE_COUNT if quick else WIRE_COUNT)
    path = work / "recording.json"
    save(path, recording)
    alone = [row for name in CLASSES for row in in_process([name], path, QUICK_COUNT if quick else COUNT, work)]
    return {name: sum(row[name] for row in [disturbed, *alone]) for name in ("messages", "crashes", "uncounted")} | {
        "effects_on_arm": sum(row["effects_on_arm"] for row in [disturbed, *alone]),
        "memory_growth_mib": max(row["memory_growth_mib"] for row in alone),
    }


def in_process(names: Sequence[str], recording: Path, count: int, work: Path) -> list[Figures]:
    """Feed every subscriber of some nodes ``count`` messages, in one process beside this one.

    Returns:
        the figures of :func:`measure` for each node, in order; a process that ends early is a crash of the node that
        it was at, and the nodes after it are missing. ``alone/<node>.json`` has the details.
    """
    own = work / "alone"
    own.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "vlmrl_ros.nodes.bench.fuzz_node", *names, "--recording", str(recording)]
    command += ["--count", str(count), "--work", str(own)]
    env = {**environment(), "OMP_NUM_THREADS": "1", "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
    with open(own / "stderr.txt", "a", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, env=env, timeout=NODE_TIMEOUT_S, check=False)
    rows = [_figures(json.loads(line), own) for line in done.stdout.splitlines()]
    if done.returncode:
        rows.append({"messages": 0, "crashes": 1, "uncounted": 0, "effects_on_arm": 0, "memory_growth_mib": 0.0})
    return rows


def _figures(found: Mapping[str, Any], own: Path) -> Figures:
    (own / f"{found['node']}.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    wrong: Mapping[str, int] = found["wrong"]
    uncounted = sum(n for what, n in wrong.items() if what.startswith("not counted"))
    return {
        "messages": found["messages"],
        "crashes": len(found["defects"]) + found["ended"],
        "uncounted": uncounted,
        "effects_on_arm": sum(wrong.values()) - uncounted,
        "memory_growth_mib": max(0.0, found["growth_mib"]),
    }


def over_the_wire(work: Path, count: int) -> tuple[Recording, Figures]:
    """Run the loop with a stranger in it, who first listens and then sends; then the same loop undisturbed, as far.

    Returns:
        recorded messages of the loop before it was disturbed, and the figures of the disturbance.

    Raises:
        VlmrlError: a loop does not run, or the second one does not show what the first should have done.
    """
    with running(work, LOOP) as children, Stranger() as stranger:
        stranger.until_heard(set(TOPICS) - set(MADE))
        stranger.until_steps(1)
        recording = stranger.recording()
        listened = len(stranger.own)
        for topic in WIRED:
            stranger.send(topic, recording[topic], count)
        stranger.until_steps(len(stranger.own) + STEPS)
        ended = sum(child.poll() is not None for child in children)
    with running(work, LOOP) as children, Stranger() as observer:
        observer.until_stamp(stranger.own[-1])
        ended_alone = sum(child.poll() is not None for child in children)
    disturbed = stranger.own[listened:]
    unknown = [stamp for stamp in disturbed if stamp not in observer.executed]
    if unknown or ended_alone:
        text = f"{len(unknown)} of {len(disturbed)} steps have nothing to compare with, {ended_alone} nodes ended"
        raise VlmrlError(f"the undisturbed loop is no reference: {text}; see {work}")
    differing = sum(stranger.executed[stamp] != observer.executed[stamp] for stamp in disturbed)
    sent = count * len(WIRED)
    return recording, {"messages": sent, "crashes": ended, "uncounted": 0, "effects_on_arm": differing}


class Stranger:
    """A node beside the loop, which sees what the arm does and sends what nobody should."""

    def __enter__(self) -> Stranger:
        os.environ.update(ros_environment())
        self._context = rclpy.Context()
        domain = int(environment()["ROS_DOMAIN_ID"])
        rclpy.init(context=self._context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("stranger", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._received: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
        self.executed: dict[int, bytes] = {}
        self.own: list[int] = []
        for topic, (kind, profile) in TOPICS.items():
            depth = profile if topic == "clock" else PATIENT
            if topic in ("joy", "command"):
                depth = qos.JOY
            self._node.create_subscription(kind, topic, self._received[topic].append, depth)
        self._node.create_subscription(JointState, "executed", self._on_executed, PATIENT)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def until_steps(self, count: int) -> None:
        """Receive until the arm has made so many steps.

        Raises:
            VlmrlError: it does not in time.
        """
        self._until(lambda: len(self.own) >= count, f"make {count} steps")

    def until_stamp(self, stamp_ns: int) -> None:
        """Receive until the arm has made the step of a stamp.

        Raises:
            VlmrlError: it does not in time.
        """
        self._until(lambda: bool(self.own) and self.own[-1] >= stamp_ns, f"reach {stamp_ns * 1e-9:.3f} s")

    def until_heard(self, topics: set[str]) -> None:
        """Receive until each topic has been heard.

        A loop in lockstep makes hundreds of steps while a latecomer is still being matched, topic by topic, and a
        latched topic brings many of them at once: steps that have come say nothing about the other topics.

        Raises:
            VlmrlError: one stays silent.
        """
        self._until(lambda: all(self._received[topic] for topic in topics), f"speak on {', '.join(sorted(topics))}")

    def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not done():
            self._executor.spin_once(timeout_sec=0.1)
            if time.monotonic() > deadline_s:
                raise VlmrlError(
                    f"the loop did not {what} in {DEADLINE_S:g} s: {len(self.own)} steps, "
                    f"heard {', '.join(topic for topic, heard in self._received.items() if heard)}"
                )

    def recording(self) -> Recording:
        """What was received, and by hand what this loop does not have: weights, a joystick, a learner's status."""
        stamp_ns = self.own[-1]
        status = messages.named_vector(stamp_ns, ["version", "steps", "updates", "finished"], [0.0, 9.0, 9.0, 0.0])
        weights = encode(Weights({"actor/mean/bias": np.ones(3, np.float32)}, 1, 1))
        made = {"joy": [Joy(axes=[0.0] * 6, buttons=[0] * 11)], "learner/status": [status], "weights": [weights]}
        made["guide"] = [messages.named_vector(stamp_ns, ["episode"], [0.0])]
        heard = {topic: received[:50] for topic, received in self._received.items() if received}
        return {**heard, **made}

    def send(self, topic: str, samples: list[Any], count: int) -> None:
        """Send malformed messages, also torn ones, at the pace at which they are received."""
        kind, profile = TOPICS[topic]
        publisher = self._node.create_publisher(kind, topic, profile)
        rng = np.random.default_rng(0)
        for k in range(count):
            sample = samples[rng.integers(len(samples))]
            torn = k % 4 == 0
            publisher.publish(malformed.tear(sample, rng) if torn else malformed.spoil(sample, topic, rng))
            self._executor.spin_once(timeout_sec=0.001)
        self._node.destroy_publisher(publisher)

    def _on_executed(self, message: JointState) -> None:
        stamp_ns = messages.stamp_of(message)
        self.own.append(stamp_ns)
        self.executed[stamp_ns] = bytes(message.position)
