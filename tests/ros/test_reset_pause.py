"""An operator who keeps step with an arm holds control over its reset, which takes seconds without a step."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String

from vlmrl_ros.bridge import joy_messages, messages, qos
from vlmrl_ros.core.interfaces import Intent
from vlmrl_ros.core.types import Feedback, Source
from vlmrl_ros.sim.load import build
from vlmrl_ros.teleop.mapping import JoyMapping
from vlmrl_ros.teleop.profile import load_profile

pytestmark = pytest.mark.ros

STEP_NS, RESET_NS = 100_000_000, 4_000_000_000


def test_control_held_at_the_end_of_an_episode_is_still_held_after_the_reset(stage: Stage, observer: Observer):
    spec = build("peg_insert", {}).spec
    held = JoyMapping(load_profile("scripted"), spec.action).to_joy(Intent(True, np.full(3, 0.05, np.float32)))
    stage.node("teleop", {"profile": "scripted", "joy_sync": True})
    decided = observer.listen(JointState, "intervention")
    observer.node.create_publisher(String, "spec", qos.LATCHED).publish(String(data=spec.to_json()))
    observer.bring_up("teleop")
    feedback = observer.publisher(JointState, "feedback")
    policy = observer.publisher(JointState, "policy/action")
    joy = observer.publisher(Joy, "joy", qos.JOY)
    begin_ns = 1_000_000_000
    steps = [(begin_ns + i * STEP_NS, 0, i) for i in range(3)]
    steps += [(steps[-1][0] + RESET_NS + i * STEP_NS, 1, i) for i in range(3)]

    def say(stamp_ns: int, episode: int, step: int) -> None:
        said = Feedback(0.0, False, step == 2, False, episode, step, 0)
        feedback.publish(messages.feedback_message(stamp_ns, said))
        policy.publish(messages.named_vector(stamp_ns, spec.action.names, np.zeros(3)))
        joy.publish(joy_messages.joy_message(stamp_ns, held))

    for now in steps:
        observer.say_until(partial(say, *now), partial(stamps_in, decided, now[0]), f"a decision on {now}")
    sources = {messages.stamp_of(message): messages.read_intervention(message).source for message in decided}
    assert list(sources.values()) == [Source.HUMAN] * 6


def stamps_in(said: list[JointState], stamp_ns: int) -> bool:
    return any(messages.stamp_of(message) == stamp_ns for message in said)
