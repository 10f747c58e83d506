"""Weights that are too large for a message go through a file of the run directory, and nowhere else."""

from __future__ import annotations

import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_msgs.msg import UInt8MultiArray

from vlmrl_ros.bridge import qos

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]


def test_the_policy_reads_the_files_of_the_run_that_it_may_read_and_no_others(stage: Stage, observer: Observer):
    run = stage.root / "run"
    loop = {"run_dir": str(run), "max_steps": 100_000, "final_eval_episodes": 0, "weights_inline_mib": 0.0}
    small = {"rlif.min_steps": 16, "rlif.batch_size": 16, "rlif.samples_per_insert": 32.0, "rlif.hidden": [16]}
    stage.node("learner", {**loop, **small, "publish_every": 5})
    stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 8})
    stage.node("policy_server", {"weights_root": str(run)})
    stage.node("policy_server", {"weights_root": str(stage.root / "elsewhere")}, "/second")
    stage.node("teleop", {"profile": "scripted", "joy_sync": True})
    stage.node("scripted_operator", {"operator": "reach", "demonstrations": 1})
    status = observer.listen(JointState, "policy/status")
    weights = observer.listen(UInt8MultiArray, "weights", qos.LATCHED)
    observer.bring_up("/second/policy_server")
    observer.bring_up("learner", "policy_server", "teleop", "scripted_operator", "sim_bridge")
    relay = observer.publisher(UInt8MultiArray, "/second/weights", qos.LATCHED)
    observer.until(lambda: weights and status and status[-1].position[0] >= 2, "weights that act", 60.0)
    assert all(len(message.data) < 1000 for message in weights)
    assert 1 <= len(list((run / "weights").glob("version_*.safetensors"))) <= 2
    relay.publish(weights[-1])
    observer.until(lambda: observer.diagnosis("/second/policy_server")[1].get("refused weights") == "1", "the refusal")
