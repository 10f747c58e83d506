"""Training through an arm that knows nothing of it, by one command."""

from __future__ import annotations

import json
import re

import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

MAX_STEPS = 100
WIRE = {"latency_ms": 30.0, "jitter_ms": 5.0, "drop_rate": 0.01}
SMALL = {"rlif.min_steps": 16, "rlif.batch_size": 16, "rlif.samples_per_insert": 16.0, "rlif.hidden": [32]}


def test_weights_rise_while_a_person_teaches_an_arm_that_knows_nothing_of_it(stage: Stage):
    params = stage.params_file({"/**/sim_arm": WIRE, "/**/learner": SMALL})
    directory = stage.root / "runs" / "arm"
    observer = Observer(stage.domain)
    status = observer.listen(JointState, "/lab/policy/status")
    takeovers = observer.listen(JointState, "/lab/intervention")
    executed = observer.listen(JointState, "/lab/executed")
    joints = observer.listen(JointState, "/lab/joint_states", qos.ROBOT)
    given = ["arm:=sim_arm", "operator:=scripted", f"max_steps:={MAX_STEPS}", "demonstrations:=0", "namespace:=lab"]
    launched = stage.launch("real_train.launch.py", *given, f"run_dir:={directory}", f"params_file:={params}")
    observer.until(lambda: launched.ended, "the end of the run", 90.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    versions = [int(message.position[0]) for message in status]
    assert versions == sorted(versions)
    assert max(versions) >= 5
    assert any(messages.read_intervention(message).edge for message in takeovers)
    assert any(any(message.position[:3]) for message in executed)
    assert max(abs(message.position[0] - joints[0].position[0]) for message in joints) > 0.01, "the arm moved"
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["task"] == "peg_insert"
    assert summary["steps"] >= MAX_STEPS
    assert summary["updates"] > 10
    assert f"eval.launch.py checkpoint:={summary['best_checkpoint']} arm:=sim_arm" in launched.output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("arm:=wishful", "unknown arm 'wishful'; valid: .*fr3.*sim_arm.*so101.*ur5e"),
        ("arm:=nowhere.yaml", "arm 'nowhere.yaml' cannot be read"),
        ("learner:=magic", "unknown learner 'magic'"),
    ],
)
def test_what_does_not_exist_ends_the_launch_before_anything_starts(stage: Stage, given: str, says: str):
    launched = stage.launch("real_train.launch.py", given)
    assert launched.wait() != 0
    assert re.search(says, launched.output), launched.output
    assert "process started" not in launched.output
