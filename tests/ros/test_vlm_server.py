"""A real ``policy_server`` with the policy ``vlm``; the test plays the bridges of two arms, and teleop."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from fakes.specs import SEEING as SPEC
from fakes.vlm_models import llava
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.weights import Weights, encode
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.types import Feedback, Intervention, Source
from vlmrl_ros.core.vocabulary import moves
from vlmrl_ros.policies.vlm.loading import load_model, with_new_adapter
from vlmrl_ros.policies.vlm.weights import variables

pytestmark = pytest.mark.ros

WORDS = moves(SPEC)
ARMS = ("left", "right")
MOST_STEPS = max(motion.steps for motion in WORDS.values())
"""At the latest after so many observations one is thought about."""


class Robot:
    """What a bridge says of one arm, and what it hears."""

    def __init__(self, observer: Observer, name: str) -> None:
        self.stamp_ns = 0
        at = f"{name}/"
        self._say = {
            topic: observer.node.create_publisher(kind, f"{at}{topic}", profile)
            for topic, kind, profile in (
                ("spec", String, qos.LATCHED),
                ("observation/state", JointState, qos.STEP),
                ("observation/front/image_raw", Image, qos.FRAME),
                ("feedback", JointState, qos.LIVE),
                ("instruction", String, qos.LATCHED),
                ("intervention", JointState, qos.STEP),
            )
        }
        self.actions = observer.listen(JointState, f"{at}policy/action")
        self.status = observer.listen(JointState, f"{at}policy/status")
        self._thoughts = observer.listen(String, f"{at}policy/thought")

    @property
    def thoughts(self) -> list[dict[str, Any]]:
        return [json.loads(message.data) for message in self._thoughts]

    @property
    def heard(self) -> bool:
        """Whoever answers is there."""
        return all(publisher.get_subscription_count() for publisher in self._say.values())

    def begin(self) -> None:
        self._say["spec"].publish(String(data=SPEC.to_json()))

    def instruct(self, text: str) -> None:
        self._say["instruction"].publish(String(data=text))

    def take_over(self) -> None:
        self.decide(Intervention(True, True, -1.0, Source.HUMAN))

    def let_go(self) -> None:
        self.decide(Intervention(False, False, 0.0, Source.POLICY))

    def decide(self, decided: Intervention) -> None:
        self._say["intervention"].publish(messages.intervention_message(self.stamp_ns, decided, SPEC.action))

    def see(self, step: int) -> int:
        """The next observation; returns its stamp."""
        self.stamp_ns += 10**8
        stamp = self.stamp_ns
        frame = np.full((32, 32, 3), step % 256, np.uint8)
        self._say["observation/state"].publish(messages.named_vector(stamp, SPEC.observation.names, [0.0]))
        self._say["observation/front/image_raw"].publish(image_messages.image_message(stamp, SPEC.cameras[0], frame))
        feedback = Feedback(0.0, False, False, False, 0, step)
        self._say["feedback"].publish(messages.feedback_message(stamp, feedback))
        return stamp

    def answered(self, stamp: int) -> Callable[[], JointState | None]:
        return lambda: next((one for one in self.actions if messages.stamp_of(one) == stamp), None)


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    folder = str(stage.root / "model")
    texts = ["What is to be done?", *(answer("I see.", word) for word in WORDS)]
    for part in llava(texts):
        part.save_pretrained(folder)
    options = {
        "policy": "vlm",
        "arms": list(ARMS),
        "vlm.model": folder,
        "vlm.lora_rank": 2,
        "vlm.max_new_tokens": 8,
        "vlm.invalid": "random",
        "vlm.instruction": "wait for it",
    }
    server = stage.node("policy_server", options)
    robots = [Robot(observer, name) for name in ARMS]
    observer.bring_up("policy_server")
    for robot in robots:
        robot.begin()
    observer.until(lambda: all(robot.heard for robot in robots), "a policy that listens to both arms")
    return SimpleNamespace(server=server, robots=robots, folder=folder)


def act(observer: Observer, robot: Robot, step: int) -> np.ndarray:
    stamp = robot.see(step)
    message = observer.until(robot.answered(stamp), f"an answer to step {step}")
    return np.array(message.position, np.float32)


def test_both_arms_are_answered_by_their_words_under_the_stamps_of_their_observations(observer, loop):
    for robot in loop.robots:
        robot.instruct("put it down")
    stamps = [robot.see(0) for robot in loop.robots]
    for robot, stamp in zip(loop.robots, stamps, strict=True):
        message = observer.until(robot.answered(stamp), "an answer")
        thought = observer.until(lambda robot=robot: robot.thoughts, "a thought")[0]
        assert thought["stamp_ns"] == stamp
        assert len(thought["token_ids"]) == 8
        assert "The task: put it down." in thought["prompt"]
        np.testing.assert_allclose(message.position, WORDS[thought["action"]].action, atol=1e-6)


def test_a_motion_goes_on_without_another_thought_until_it_ends_or_a_person_takes_over(observer, loop):
    robot = loop.robots[0]
    step = 0
    while WORDS[robot.thoughts[-1]["action"]].steps < 3 or step == 0:
        step += 1
        act(observer, robot, step)
    thoughts, motion = len(robot.thoughts), WORDS[robot.thoughts[-1]["action"]]
    np.testing.assert_allclose(act(observer, robot, step + 1), motion.action, atol=1e-6)
    assert len(robot.thoughts) == thoughts
    robot.take_over()
    diagnosed = "motions dropped at a takeover"
    observer.until(lambda: diagnosed in observer.diagnosis("/policy_server")[1], "the takeover")
    robot.let_go()
    for later in range(step + 2, step + 10):  # it may hear of that after the next observation
        act(observer, robot, later)
        if len(robot.thoughts) > thoughts:
            break
    observer.until(lambda: len(robot.thoughts) > thoughts, "a thought of its own")


def test_an_adapter_that_comes_is_thought_with_and_one_that_does_not_fit_is_refused(observer, loop):
    robot = loop.robots[1]
    publisher = observer.publisher(UInt8MultiArray, "weights", qos.LATCHED)
    publisher.publish(encode(Weights({"strange": np.zeros(3, np.float32)}, 1, 0)))
    refused = "refused weights"
    observer.until(lambda: refused in observer.diagnosis("/policy_server")[1], "a refusal")
    mine = variables(_adapted(loop.folder))
    publisher.publish(encode(Weights(mine, 5, 100)))
    seen = "weights_version"
    observer.until(lambda: observer.diagnosis("/policy_server")[1].get(seen) == "5", "the new weights")
    for step in range(100, 101 + MOST_STEPS):
        act(observer, robot, step)
    assert robot.thoughts[-1]["version"] == 5
    assert robot.status[-1].position[0] == 5


def _adapted(folder: str) -> Any:
    return with_new_adapter(load_model(folder, "float32", "cpu", (), 0)[0], 2)


def test_it_ends_at_once_when_it_is_told(loop):
    assert loop.server.interrupt() == 0
