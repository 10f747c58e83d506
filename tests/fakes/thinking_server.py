"""A policy server with a policy that thinks as long as the test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import rclpy
from fakes.processes import free_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.thought_messages import read_thought_age
from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.thinker import Decision, Question
from vlmrl_ros.core.types import Feedback, Intervention, Source
from vlmrl_ros.core.vocabulary import Move
from vlmrl_ros.nodes.policy_server import PolicyServer

WAIT_S = 20.0
SPEC = TaskSpec(
    "toy",
    VectorSpec(("x",), ("m",), np.array([-1.0]), np.array([1.0])),
    VectorSpec(("linear_x",), ("m/s",), np.array([-1.0]), np.array([1.0])),
    (),
    0.1,
    50,
)


class Speaker:
    """Says ``value`` for ``steps`` control steps, once it may."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.value, self.steps, self.ends = 0.5, 3, False
        self.may = threading.Semaphore(0)
        self.asked: list[Question] = []

    def act(self, observation, rng):
        raise NotImplementedError

    def load(self, variables) -> None:
        self.take(self.prepare(variables))

    def reset(self, instruction: str = "") -> None:
        pass

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        self.asked += questions
        assert self.may.acquire(timeout=WAIT_S)
        if self.value == 0.0:
            raise ZeroDivisionError("of the policy")
        motion = Move(np.array([self.value], np.float32), self.steps) if self.steps else None
        said = {"valid": motion is not None, "thought": "on I go", "action": "forward" if motion else None}
        return [Decision(motion, said, self.ends) for _ in questions]

    def prepare(self, variables):
        if "good" not in variables:
            raise CheckpointError("weights of another model")

    def take(self, prepared) -> None:
        self.value = 0.75


class Bench:
    """A node, its executor, what it says, and what it is told."""

    def __init__(self, node: PolicyServer, speaker: Speaker) -> None:
        self.node, self.speaker = node, speaker
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.actions: dict[int, float] = {}
        self.held: dict[int, float] = {}
        self.ages: dict[int, int] = {}
        node.create_subscription(JointState, "policy/action", self._on_action, qos.STEP)
        node.create_subscription(JointState, "policy/status", self._on_status, qos.STEP)
        node.trigger_configure()
        node.trigger_activate()
        self.tell("/spec", String(data=SPEC.to_json()))

    def tell(self, topic: str, message: Any) -> None:
        (callback,) = [one.callback for one in self.node.subscriptions if one.topic_name == topic]
        callback(message)

    def see(self, stamp: int, episode: int = 0, version: int = 0, *, last: bool = False) -> None:
        feedback = Feedback(0.0, False, last, False, episode, stamp, version)
        self.tell("/observation/state", messages.named_vector(stamp, ("x",), [0.0]))
        self.tell("/feedback", messages.feedback_message(stamp, feedback))

    def take_over(self, stamp: int) -> None:
        self.decide(stamp, Intervention(True, True, -1.0, Source.HUMAN))

    def let_go(self, stamp: int) -> None:
        self.decide(stamp, Intervention(False, False, 0.0, Source.POLICY))

    def decide(self, stamp: int, decided: Intervention) -> None:
        self.tell("/intervention", messages.intervention_message(stamp, decided, SPEC.action))

    def until(self, condition: Callable[[], Any]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, (self.actions, self.counts)
            self._executor.spin_once(timeout_sec=0.01)

    def answer(self, stamp: int) -> tuple[float, bool]:
        self.until(lambda: stamp in self.actions and stamp in self.held)
        return self.actions[stamp], bool(self.held[stamp])

    def thought(self, number: int) -> None:
        """Let a question be answered that the policy has begun with."""
        self.until(lambda: len(self.speaker.asked) >= number)
        self.speaker.may.release()

    @property
    def counts(self) -> dict[str, int]:
        return self.node.diagnostics.counts()

    def _on_action(self, message: JointState) -> None:
        self.actions[messages.stamp_of(message)] = message.position[0]

    def _on_status(self, message: JointState) -> None:
        stamp = messages.stamp_of(message)
        self.held[stamp] = messages.read_values(message, "status")["held"]
        self.ages[stamp] = read_thought_age(message)

    def close(self) -> None:
        self.speaker.may.release(100)
        self.node.close()
        self._executor.shutdown()


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, **parameters: object) -> Iterator[Bench]:
    speaker = Speaker()
    real = registry.load
    monkeypatch.setattr(
        registry, "load", lambda group, name: (lambda *_: speaker) if name == "vlm" else real(group, name)
    )
    given = {"policy": "vlm", "deadline_s": 60.0, **parameters}
    with free_domain() as domain:
        arguments = [part for name, value in given.items() for part in ("-p", f"{name}:={value}")]
        rclpy.init(args=["--ros-args", *arguments], domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        node = PolicyServer()
        bench = Bench(node, speaker)
        try:
            yield bench
        finally:
            bench.close()
            node.destroy_node()
            rclpy.shutdown()
