from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from fakes.vlm_models import llava

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.asking import Asking
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.thinker import Decision, Question
from vlmrl_ros.nodes.thinking import Thinking, Thought
from vlmrl_ros.policies.vlm.config import VlmConfig
from vlmrl_ros.policies.vlm.policy import VlmPolicy

WAIT_S = 10.0
PLACE = VectorSpec(("tip_x",), ("m",), np.array([-1.0]), np.array([1.0]))
SPEED = VectorSpec(("linear_x",), ("m/s",), np.array([-1.0]), np.array([1.0]))


class Ponderer:
    """A policy that thinks as long as the test wants."""

    def __init__(self) -> None:
        self.options: dict = {}
        self.begun: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self.go = threading.Semaphore(0)
        self.has = "first"

    def act(self, observation, rng):
        raise NotImplementedError

    def load(self, variables) -> None:
        self.take(self.prepare(variables))

    def reset(self) -> None:
        pass

    def think(self, questions: list[Question]) -> list[Decision]:
        asked = [question.instruction for question in questions]
        self.begun.put(asked)
        assert self.go.acquire(timeout=WAIT_S)
        if "defect" in asked:
            raise ZeroDivisionError("of the policy")
        return [Decision(None, {"text": f"{self.has} {one}"}) for one in asked]

    def prepare(self, variables):
        if "bad" in variables:
            raise CheckpointError("bad weights")
        return str(variables["name"])

    def take(self, prepared) -> None:
        self.has = prepared


def question(text: str) -> Question:
    return Question({}, np.random.default_rng(0), text)


@pytest.fixture
def ponderer() -> Ponderer:
    return Ponderer()


@pytest.fixture
def loaded() -> queue.SimpleQueue:
    return queue.SimpleQueue()


@pytest.fixture
def thinking(ponderer, loaded) -> Iterator[Thinking]:
    made = Thinking(ponderer, 2, lambda weights, error: loaded.put((weights.version, error)))
    made.start()
    yield made
    ponderer.go.release(100)
    made.stop(WAIT_S)


@pytest.fixture
def answers() -> queue.SimpleQueue:
    return queue.SimpleQueue()


def said(answers: queue.SimpleQueue) -> str:
    thought: Thought = answers.get(timeout=WAIT_S)
    assert thought.decision is not None
    return str(thought.decision.thought["text"])


def test_of_each_robot_the_newest_question_is_answered_and_all_of_them_together(thinking, ponderer, answers):
    assert not thinking.ask("a", question("1"), answers.put)
    assert ponderer.begun.get(timeout=WAIT_S) == ["1"]
    assert not thinking.ask("a", question("2"), answers.put)
    assert not thinking.ask("b", question("3"), answers.put)
    assert thinking.ask("a", question("4"), answers.put)
    assert not thinking.ask("c", question("5"), answers.put)
    ponderer.go.release(3)
    assert ponderer.begun.get(timeout=WAIT_S) == ["4", "3"], "at most two"
    assert ponderer.begun.get(timeout=WAIT_S) == ["5"]
    assert [said(answers) for _ in range(4)] == ["first 1", "first 4", "first 3", "first 5"]
    assert answers.empty()


def test_a_question_may_be_taken_back_until_it_is_thought_about(thinking, ponderer, answers):
    thinking.ask("a", question("1"), answers.put)
    ponderer.begun.get(timeout=WAIT_S)
    assert not thinking.withdraw("a")
    thinking.ask("a", question("2"), answers.put)
    assert thinking.withdraw("a")
    thinking.ask("a", question("3"), answers.put)
    ponderer.go.release(2)
    assert [said(answers) for _ in range(2)] == ["first 1", "first 3"]


def test_weights_that_come_during_a_thought_speak_from_the_next_one_on(thinking, ponderer, answers, loaded):
    thinking.ask("a", question("1"), answers.put)
    ponderer.begun.get(timeout=WAIT_S)
    thinking.load(Weights({"name": np.array("second")}, 7, 0))
    assert loaded.get(timeout=WAIT_S) == (7, None)
    thinking.ask("a", question("2"), answers.put)
    ponderer.go.release(2)
    first, second = (answers.get(timeout=WAIT_S) for _ in range(2))
    assert (first.version, first.decision.thought["text"]) == (0, "first 1")
    assert (second.version, second.decision.thought["text"]) == (7, "second 2")


def test_weights_that_do_not_fit_are_told_and_change_nothing(thinking, ponderer, answers, loaded):
    thinking.load(Weights({"bad": np.zeros(1)}, 1, 0))
    version, error = loaded.get(timeout=WAIT_S)
    assert (version, str(error)) == (1, "bad weights")
    ponderer.go.release()
    thinking.ask("a", question("1"), answers.put)
    thought = answers.get(timeout=WAIT_S)
    assert (thought.version, thought.decision.thought["text"]) == (0, "first 1")


def test_a_question_that_the_policy_cannot_bear_takes_the_thoughts_of_no_other(loaded, answers):
    front = np.zeros((32, 32, 3), np.uint8)
    spec = TaskSpec("toy", PLACE, SPEED, (CameraSpec("front", 32, 32),), 0.1, 50)
    options = VlmConfig(max_new_tokens=4)
    policy = VlmPolicy(spec, options, *llava(Asking(spec, options).examples()))
    thinking = Thinking(policy, 3, lambda weights, error: loaded.put((weights.version, error)))
    for robot, seen in (("a", {"front": front}), ("b", {}), ("c", {"front": front})):
        thinking.ask(robot, Question(seen, np.random.default_rng(0)), answers.put)
    thinking.start()
    first, second, third = (answers.get(timeout=WAIT_S) for _ in range(3))
    thinking.stop(WAIT_S)
    assert len(first.decision.thought["token_ids"]) == len(third.decision.thought["token_ids"]) == 4
    assert (second.decision, repr(second.defect)) == (None, "KeyError('front')")


def test_a_defect_of_the_policy_is_told_and_the_next_question_answered(thinking, ponderer, answers):
    ponderer.go.release(2)
    thinking.ask("a", question("defect"), answers.put)
    thought = answers.get(timeout=WAIT_S)
    assert thought.decision is None
    assert isinstance(thought.defect, ZeroDivisionError)
    thinking.ask("a", question("1"), answers.put)
    assert said(answers) == "first 1"
