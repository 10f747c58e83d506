"""The nodes of text tasks under test: their steps are texts that carry the stamp themselves."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.text_messages import EXECUTED, OBSERVATION, SAID, spec_message, text_message
from vlmrl_ros.bridge.weights import Weights, encode
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.core.text_steps import STEP_NS
from vlmrl_ros.nodes.bench.fuzz_patient import Patient
from vlmrl_ros.nodes.bench.recording import Recording
from vlmrl_ros.sim.text.load import game

TASK, SAYING = "maze", "move up\n"
CLONE = "lm_bc"
SMALL: Mapping[str, Any] = {"layers": 1, "width": 8, "heads": 1, "context": 64, "answer_tokens": 4, "updates": 1}
BEFORE_ALL_NS = 1
"""Stamp of the recorded texts: a torn one that can still be read is one of long ago."""


class TextPatient(Patient):
    """A node of the loop of text."""

    def more_samples(self) -> Recording:
        """Texts of the task, and a learner who wants episodes."""
        prompt = game(TASK).build({}).reset(0).text
        place = {"version": 1.0, "finished": 0.0, "episode": -1.0, "idle": 1.0, "wanted": 1e9}
        return {
            "spec": [spec_message(TASK, {})],
            OBSERVATION: [text_message(BEFORE_ALL_NS, prompt)],
            **{topic: [text_message(BEFORE_ALL_NS, SAYING)] for topic in (SAID, EXECUTED)},
            "learner/status": [messages.named_vector(0, list(place), list(place.values()))],
        }

    def counted(self) -> int:
        """With what its join of steps could not use."""
        join = getattr(getattr(self.node, "_steps", None), "_join", None)
        waiting = 0 if join is None else join.late + join.strayed + join.dropped + join.waiting
        return super().counted() + waiting

    def work(self) -> None:
        """Feed the parts of the next step that the node listens to."""
        stamp_ns, feedback = self.next_ns(""), self._feedback()
        parts = {
            OBSERVATION: text_message(stamp_ns, game(TASK).build({}).reset(0).text),
            "feedback": messages.feedback_message(stamp_ns, feedback),
            EXECUTED: text_message(stamp_ns, "" if feedback.last else SAYING),
        }
        for topic, message in parts.items():
            if topic in self.topics():
                self.feed(topic, message)


class TextBridgePatient(TextPatient):
    """``text_bridge`` in the middle of a game."""

    def bring_up(self) -> None:
        """Activate, and begin the first episode as the learner wants it."""
        super().bring_up()
        self.feed("learner/status", self._status())
        self.until_a_step()

    def work(self) -> None:
        """Say where the learner is, which begins an episode, or answer what is shown."""
        before = self.node.diagnostics.steps
        self.feed("learner/status", self._status())
        for arrival in self._games.waiting if self.node.diagnostics.steps == before else ():
            self.feed(SAID, text_message(arrival.stamp_ns, SAYING))

    @property
    def _games(self) -> Any:
        return self.node._games  # type: ignore[attr-defined]

    def _status(self) -> Any:
        """Of a learner that has seen all steps that were shown."""
        status = self.more_samples()["learner/status"][0]
        status.header.stamp = messages.to_time(self._games.stamp_ns - STEP_NS)
        return status


class TextPolicyPatient(TextPatient):
    """``text_policy_server`` with the weights of a small clone."""

    def more_samples(self) -> Recording:
        """Weights that fit."""
        return {**super().more_samples(), "weights": [encode(Weights(_variables(), 1, 0))]}

    def bring_up(self) -> None:
        """Activate, with weights."""
        super().bring_up()
        self.feed("weights", self.recording["weights"][0])

    def work(self) -> None:
        """A step that is to be answered: at the last one of an episode nothing is said."""
        self.step += self._feedback().last
        super().work()


class TextLearnerPatient(TextPatient):
    """``text_learner`` while a game is played."""

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """A small clone, which hardly learns."""
        small = {f"{CLONE}.{name}": value for name, value in SMALL.items()}
        return {**super().more_parameters(work), "learner": CLONE, "task": TASK, **small, "samples_per_insert": 1e-3}


def _variables() -> Variables:
    data = list(islice(game(TASK).episodes({}, 0), 5))
    builder = registry.load("learners", CLONE)
    learner = builder.build(TextSpec.of(TASK, data), from_mapping(builder.config_type, SMALL), stream(0, "learner"))
    return learner.variables()


TEXTS: Mapping[str, type[Patient]] = {
    "text_bridge": TextBridgePatient,
    "text_policy_server": TextPolicyPatient,
    "text_learner": TextLearnerPatient,
    "text_recorder": TextPatient,
}
