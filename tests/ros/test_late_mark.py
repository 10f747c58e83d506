"""A mark of the episode is said in one command alone; one that comes after its tick must not be lost."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.core.types import Feedback, Mark

pytestmark = pytest.mark.ros

BRIDGES = {
    "sim_bridge": (("sim_bridge", {"task": "reach", "time": "realtime", "rate_hz": 20.0}),),
    "arm_bridge": (("sim_arm", {}), ("arm_bridge", {"arm": "sim_arm"})),
}
LATE = 3
"""Steps after which the answer to one comes."""


@pytest.mark.parametrize("name", BRIDGES)
def test_a_late_command_ends_the_episode_that_it_marks_and_moves_nothing(stage: Stage, observer: Observer, name: str):
    for node, parameters in BRIDGES[name]:
        stage.node(node, parameters)
    observer.bring_up(name)
    spec, heard = observer.spec(), observer.listen(JointState, "feedback")
    executed = observer.listen(JointState, "executed")
    publisher = observer.publisher(JointState, "command", qos.STEP)

    def newest() -> Feedback:
        return messages.read_feedback(heard[-1])

    observer.until(lambda: heard and newest().step > 2 * LATE, "an episode under way")
    episode = newest().episode
    pushed = np.full(spec.action.size, 0.05, np.float32)
    publisher.publish(messages.command_message(messages.stamp_of(heard[-LATE]), spec.action, pushed, Mark.FAILURE))
    observer.until(lambda: newest().last or newest().episode != episode, "the end of the episode")
    ends = [feedback for feedback in map(messages.read_feedback, heard) if feedback.last]
    assert [(end.episode, end.terminated, end.success) for end in ends[-1:]] == [(episode, True, False)]
    assert not any(any(message.position) for message in executed)

    late = messages.stamp_of(heard[-1])
    observer.until(lambda: newest().episode == episode + 1 and newest().step > LATE, "the next episode")
    publisher.publish(messages.command_message(late, spec.action, pushed, Mark.FAILURE))
    begin = newest().step
    observer.until(lambda: newest().step > begin + LATE, "more steps of it")
    assert newest().episode == episode + 1
