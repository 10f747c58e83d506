"""A part of a step that is lost for good costs that step alone: in sync the loop goes on by itself."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.core.types import Intervention, Mark, Source

pytestmark = pytest.mark.ros

LOST = 10


def test_a_step_without_its_intervention_is_given_up_and_the_loop_goes_on(stage: Stage, observer: Observer):
    stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 0})
    stage.node("policy_server")
    learner = stage.node("learner", {"run_dir": str(stage.root / "run"), "max_steps": 1000, "final_eval_episodes": 0})
    observer.bring_up("learner", "policy_server")
    observer.change("sim_bridge", 1)
    spec = observer.spec()
    command = observer.publisher(JointState, "command", qos.STEP)
    intervention = observer.publisher(JointState, "intervention", qos.STEP)
    answered: set[int] = set()

    def answer(message: JointState) -> None:
        stamp_ns = messages.stamp_of(message)
        if len(answered) != LOST or stamp_ns in answered:
            mine = Intervention(False, False, 0.0, Source.POLICY)
            intervention.publish(messages.intervention_message(stamp_ns, mine, spec.action))
        answered.add(stamp_ns)
        still = np.zeros(spec.action.size, np.float32)
        command.publish(messages.command_message(stamp_ns, spec.action, still, Mark.NONE))

    observer.node.create_subscription(JointState, "policy/action", answer, qos.STEP)
    observer.change("sim_bridge", 3)
    observer.until(lambda: len(answered) > 3 * LOST, "steps after the lost one")
    observer.until(lambda: observer.diagnosis("/learner")[1].get("steps dropped") == "1", "the count")
    assert "lacks a part that never came: given up" in learner.output
