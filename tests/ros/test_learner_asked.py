"""What a learner does when it is asked to, in the middle of a run that no test outlasts."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.checkpoint import read_checkpoint

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def learned(stage: Stage, observer: Observer) -> list[JointState]:
    """What a learner says after each step, from its first update on."""
    run = {"run_dir": str(stage.root / "run"), "max_steps": 1_000_000, "final_eval_episodes": 0}
    small = {"rlif.min_steps": 16, "rlif.batch_size": 16, "rlif.samples_per_insert": 32.0, "rlif.hidden": [16]}
    stage.node("learner", {**run, **small})
    stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 4})
    stage.node("policy_server")
    stage.node("teleop", {"profile": "scripted", "joy_sync": True})
    stage.node("scripted_operator", {"operator": "reach", "demonstrations": 1})
    said = observer.listen(JointState, "learner/status")
    observer.bring_up("learner", "policy_server", "teleop", "scripted_operator", "sim_bridge")
    observer.until(lambda: said and updates(said[-1]) > 0, "the first update")
    return said


def updates(message: JointState) -> float:
    return messages.read_values(message, "learner/status")["updates"]


def standing(learned: list[JointState], steps: int) -> bool:
    """Whether the learner has made no update in the last ``steps`` steps that it was told of."""
    return len(learned) >= steps and len({updates(message) for message in learned[-steps:]}) == 1


def test_a_checkpoint_can_be_asked_for(stage, observer, learned):
    assert observer.call(Trigger, "checkpoint", Trigger.Request()).success
    folder = Path(stage.root / "run" / "checkpoints")
    written = observer.until(lambda: sorted(folder.glob("step_*")), "a checkpoint")
    assert read_checkpoint(written[0])["task"] == "reach"


def test_a_pause_keeps_steps_coming_and_updates_waiting(observer, learned):
    assert observer.call(SetBool, "pause", SetBool.Request(data=True)).success
    observer.until(lambda: standing(learned, 30), "thirty steps without an update")
    assert observer.call(SetBool, "pause", SetBool.Request(data=False)).success
    observer.until(lambda: not standing(learned, 2), "updates after the pause")
