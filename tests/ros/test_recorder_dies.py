"""In lockstep the simulation waits for its recorder before its publishers forget what that has missed."""

from __future__ import annotations

import signal
from itertools import pairwise

import pytest
from fakes.observer import PATIENT, Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.reader import steps_after
from vlmrl_ros.core.chain import follows

pytestmark = pytest.mark.ros

LAG = 10


def test_no_bag_lacks_a_step_because_its_recorder_died(stage: Stage, observer: Observer):
    stage.node("sim_bridge", {"task": "reach", "recorder_lag_steps": LAG})
    stage.node("policy_server")
    stage.node("teleop", {"profile": "scripted"})
    recorder = stage.node("recorder", {"directory": str(stage.root / "bags")})
    executed = observer.listen(JointState, "executed", PATIENT)
    observer.bring_up("recorder", "policy_server", "teleop", "sim_bridge")
    observer.until(lambda: len(executed) > 100, "a hundred steps")
    recorder.signal(signal.SIGKILL)
    observer.until(lambda: "recorder is silent" in observer.diagnosis("/sim_bridge")[0], "that the bridge waits")
    waiting = len(executed)
    stage.node("recorder", {"directory": str(stage.root / "bags")})
    observer.bring_up_again("recorder")
    observer.until(lambda: len(executed) > waiting + 100, "a hundred more")
    newest_ns = messages.stamp_of(executed[waiting])
    observer.until(lambda: [*steps_after(stage.root / "bags", newest_ns)], "that they are in the bags")
    steps = list(steps_after(stage.root / "bags", -1))
    assert steps[0].feedback.step == steps[0].feedback.episode == 0
    assert all(follows(before.feedback, after.feedback) for before, after in pairwise(steps))
