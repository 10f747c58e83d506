"""A bridge that serves a reward classifier: what this sees is the task's reward, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.arms import arms_directory
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.classifier.files import write_classifier
from vlmrl_ros.policies.classifier.network import RewardClassifier
from vlmrl_ros.policies.classifier.training import Judgement

pytestmark = pytest.mark.ros

SIZE = 36
STEPS = 4


def credulous(directory: Path) -> str:
    """A classifier that calls every frame success."""
    cameras = (CameraSpec("front", SIZE, SIZE),)
    config = ClassifierConfig(encoder_options=("channels=[4, 4, 4]",), hidden=8, threshold=0.0)
    model = RewardClassifier(cameras, config, torch.Generator().manual_seed(0))
    write_classifier(directory, model, cameras, config, Judgement(None, None, 0, 0))
    return str(directory)


def start_sim_bridge(stage: Stage, classifier: str) -> None:
    sees = {"reach.observation": "both", "reach.cameras": ["front"], "reach.image_size": SIZE}
    stage.node("sim_bridge", {"task": "reach", "time": "realtime", "reward_classifier": classifier, **sees})


def start_arm_bridge(stage: Stage, classifier: str) -> None:
    content = yaml.safe_load((arms_directory() / "sim_arm.yaml").read_text(encoding="utf-8"))
    content["cameras"] = {"front": {"topic": "front/image_raw", "height": SIZE, "width": SIZE}}
    content["success"] = {"test": "classifier", "classifier": classifier}
    arm = stage.root / "seeing.yaml"
    arm.write_text(yaml.safe_dump(content), encoding="utf-8")
    stage.node("sim_arm", {"cameras": ["front"], "image_size": SIZE})
    stage.node("arm_bridge", {"arm": str(arm)})


@pytest.mark.parametrize("start", [start_sim_bridge, start_arm_bridge])
def test_what_the_classifier_sees_is_the_reward_of_an_arm_that_has_done_nothing(
    stage: Stage, observer: Observer, start
):
    name = start.__name__.removeprefix("start_")
    start(stage, credulous(stage.root / f"of_{name}"))
    observer.bring_up(name)
    heard = observer.listen(JointState, "feedback")
    observer.until(lambda: len(heard) > STEPS, "steps of an episode", 60.0)
    found = [messages.read_feedback(message) for message in heard]
    judged = [feedback for feedback in found if feedback.step > 0]
    assert judged
    assert {(feedback.reward, feedback.success) for feedback in judged} == {(1.0, True)}
