"""``text_policy_server``: answers every prompt with text; takes new weights between two answers."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sensor_msgs.msg import JointState
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.bridge.text_messages import OBSERVATION, SAID, answer_message, read_text, read_text_spec
from vlmrl_ros.bridge.weights import Weights, decode
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import RangeError, VlmrlError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import TextPolicy
from vlmrl_ros.core.text_games import MOST_SAID
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.nodes.served_arm import STATUS_NAMES
from vlmrl_ros.nodes.text_play import answers

WINDOW = 256
"""Prompts that may be open, and answers that are kept for a bridge that asks again."""


@dataclass(frozen=True)
class TextPolicyServerConfig:
    """Parameters of ``text_policy_server``; options of the policy are ``<policy>.<option>``."""

    policy: str = option("language", "name of the text policy plug-in")
    seed: int = option(0, "the answer of a step draws its randomness from (seed, episode, step)", low=0, high=2**31 - 1)
    weights_root: str = option("", "directory below which weights may be read that come by file URI; empty: none")
    sync: bool = option(True, "answer with exactly the weights version that the bridge knew of")


class Asked(NamedTuple):
    """A prompt to be answered."""

    stamp_ns: int
    text: str
    feedback: Feedback


class TextPolicyServer(Shell[TextPolicyServerConfig]):
    """Lets the plug-in answer; before the first weights it waits for them."""

    config_type = TextPolicyServerConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("text_policy_server")

    def configure(self) -> None:
        """Make the policy, listen for prompts and for weights."""
        config = self.config
        self._policy: TextPolicy = registry.load("text_policies", config.policy)(plugin_options(self, config.policy))
        show_options(self, config.policy, self._policy.options)
        self._weights_root = Path(config.weights_root) if config.weights_root else None
        self._newest: Weights | None = None
        self._version = 0
        self._join = PartJoin(("text", "feedback"), WINDOW)
        self._waiting: deque[Asked] = deque()
        self._answers: dict[int, String] = {}
        self._said = self.publisher(String, SAID, qos.STEP)
        self._status = self.publisher(JointState, "policy/status", qos.STEP)
        self.listen(UInt8MultiArray, "weights", self._on_weights, qos.LATCHED)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(String, OBSERVATION, self._on_text, qos.STEP)
        self.listen(JointState, "feedback", self._on_feedback, qos.LIVE)

    def _on_spec(self, message: String) -> None:
        """A bridge has started (again): forget what was open."""
        read_text_spec(message)
        self._join.reset()
        self._waiting.clear()
        self._answers.clear()

    def _on_text(self, message: String) -> None:
        if self.active:
            self._put(*read_text(message, OBSERVATION), part="text")

    def _on_feedback(self, message: JointState) -> None:
        if self.active:
            self._put(messages.stamp_of(message), messages.read_feedback(message), part="feedback")

    def _put(self, stamp_ns: int, value: str | Feedback, part: str) -> None:
        if part == "text" and stamp_ns in self._answers:
            self._said.publish(self._answers[stamp_ns])  # the bridge asks again: the answer was lost on the way
            return
        for stamp, parts in self._join.put(stamp_ns, part, value):
            if not parts["feedback"].last:
                self._waiting.append(Asked(stamp, parts["text"], parts["feedback"]))
        self.diagnostics.join(self._join)
        self._answer_who_waits()

    def _on_weights(self, message: UInt8MultiArray) -> None:
        self._newest = decode(message, self._weights_root)
        self._answer_who_waits()

    def _answer_who_waits(self) -> None:
        while self._waiting and self._has_weights_for(self._waiting[0].feedback):
            self._answer(self._waiting.popleft())

    def _has_weights_for(self, feedback: Feedback) -> bool:
        """Take the newest weights when they are due; whether there are those that this step is to be answered with."""
        newest, due = self._newest, feedback.weights_version
        late = self._version < due if self.config.sync else True
        if newest is not None and newest.version != self._version and (late or not self._version):
            try:
                self._policy.load(newest.variables)
            except VlmrlError as error:
                self.fail(error)  # no other weights will come for the prompts that wait for these
                return False
            self._version = newest.version
            self.diagnostics.value("weights_version", self._version)
        return self._version > 0 and (not self.config.sync or self._version >= due)

    def _answer(self, asked: Asked) -> None:
        started_s = time.perf_counter()
        rng = stream(self.config.seed, "policy", asked.feedback.episode, asked.feedback.step)
        said = answers(self._policy, [asked.text], rng, self._on_unread)[0].within(MOST_SAID)
        inference_ms = (time.perf_counter() - started_s) * 1e3
        answer = self._answers[asked.stamp_ns] = answer_message(asked.stamp_ns, said)
        while len(self._answers) > WINDOW:
            del self._answers[next(iter(self._answers))]
        self._said.publish(answer)
        values = (self._version, inference_ms, self._join.dropped)
        self._status.publish(messages.named_vector(asked.stamp_ns, STATUS_NAMES, values))
        self.diagnostics.tick()

    def _on_unread(self, error: RangeError) -> None:
        self.diagnostics.count("prompts that could not be read")
        self.get_logger().warning(f"a prompt could not be read: {error}", throttle_duration_sec=5.0)


def main() -> None:
    """Entry point."""
    sys.exit(run(TextPolicyServer, "Answers every prompt with text.", TextPolicyServerConfig))
