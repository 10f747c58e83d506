"""A part of a step that is lost for good costs that step alone: in sync the loop goes on by itself."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.bags.reader import steps_after
from vlmrl_ros.core.types import Intervention, Mark, Source

pytestmark = pytest.mark.ros

HELD = 10
FROZEN_S = 9.0
"""Longer than a part is waited for."""


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    """A loop in sync whose commands come from here, and with them who acts, unless ``hold`` says otherwise."""
    bags = stage.root / "bags"
    stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 0})
    stage.node("policy_server")
    recorder = stage.node("recorder", {"directory": str(bags)})
    learner = stage.node("learner", {"run_dir": str(stage.root / "run"), "max_steps": 1000, "final_eval_episodes": 0})
    observer.bring_up("learner", "recorder", "policy_server")
    observer.change("sim_bridge", 1)
    spec = observer.spec()
    command = observer.publisher(JointState, "command", qos.STEP)
    intervention = observer.publisher(JointState, "intervention", qos.STEP)
    answered: list[int] = []
    made = SimpleNamespace(answered=answered, hold=False, recorder=recorder, learner=learner, bags=bags)

    def intervene(stamp_ns: int) -> None:
        mine = Intervention(False, False, 0.0, Source.POLICY)
        intervention.publish(messages.intervention_message(stamp_ns, mine, spec.action))

    def answer(message: JointState) -> None:
        stamp_ns = messages.stamp_of(message)
        if stamp_ns not in answered:
            answered.append(stamp_ns)
            if not made.hold:
                intervene(stamp_ns)
        still = np.zeros(spec.action.size, np.float32)
        command.publish(messages.command_message(stamp_ns, spec.action, still, Mark.NONE))

    made.intervene = intervene
    made.executed = observer.listen(JointState, "executed")
    observer.node.create_subscription(JointState, "policy/action", answer, qos.STEP)
    observer.change("sim_bridge", 3)
    return made


def hold_one(observer: Observer, loop: SimpleNamespace) -> int:
    """Wait until the bridge waits for the learner with a step that lacks who acted; returns its stamp, ns."""
    count = len(loop.answered)
    observer.until(lambda: len(loop.answered) > count + HELD, "some steps")
    loop.hold = True
    observer.until(lambda: len(loop.answered) > count + HELD + 1, "one more")
    stamp_ns = loop.answered[-1]
    loop.hold = False
    observer.until(lambda: messages.stamp_of(loop.executed[-1]) == stamp_ns, "that the bridge has moved on")
    return stamp_ns


def test_a_part_that_came_while_the_recorder_stood_still_is_no_lost_one(observer: Observer, loop: SimpleNamespace):
    stamp_ns = hold_one(observer, loop)
    observer.watch(0.3)  # the recorder, too, has all that was said
    loop.recorder.signal(signal.SIGSTOP)
    loop.intervene(stamp_ns)
    observer.watch(FROZEN_S)
    loop.recorder.signal(signal.SIGCONT)
    observer.until(lambda: any(step.stamp_ns > stamp_ns for step in steps_after(loop.bags, -1)), "steps after it")
    recorded = [step.stamp_ns for step in steps_after(loop.bags, -1)]
    assert stamp_ns in recorded, f"{observer.diagnosis('/recorder')}; it wrote {loop.recorder.output}"


def test_a_step_without_its_intervention_is_given_up_and_the_loop_goes_on(observer: Observer, loop: SimpleNamespace):
    hold_one(observer, loop)
    count = len(loop.answered)
    observer.until(lambda: len(loop.answered) > count + HELD, "steps after the lost one")
    observer.until(lambda: observer.diagnosis("/learner")[1].get("steps dropped") == "1", "the count")
    assert "lacks a part that never came: given up" in loop.learner.output
