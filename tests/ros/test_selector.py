"""The selector alone: the test plays the episodes, each only when it has heard who is to act in it."""

from __future__ import annotations

import json
from itertools import count

import pytest
from fakes.checkpoints import GOES_THERE, STANDS_STILL, corrupt, write_reacher
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source
from vlmrl_ros.sim.load import build

pytestmark = pytest.mark.ros

NAMES = ("step_1", "step_2", "step_3")
ALONE = Intervention(active=False, edge=False, reward=0.0, source=Source.POLICY)
DEPLOYED = 2


class Played:
    """Bridge, teleop and policy server, as far as the selector hears them."""

    def __init__(self, observer: Observer, spec: TaskSpec) -> None:
        """Say which task it is; the selector must be configured."""
        self._action = spec.action
        observer.publisher(String, "spec", qos.LATCHED).publish(String(data=spec.to_json()))
        topics = ("feedback", "intervention", "policy/status")
        self._parts = [observer.publisher(JointState, topic) for topic in topics]
        self._stamps_ns = count(1)
        self._episodes = count()

    def episode(self, candidate: int, success: bool) -> None:
        """One of two steps, which nobody touches."""
        number = next(self._episodes)
        for step in range(2):
            stamp_ns = next(self._stamps_ns)
            ended = step == 1
            feedback = Feedback(0.0, ended and success, ended and not success, ended and success, number, step)
            said = (
                messages.feedback_message(stamp_ns, feedback),
                messages.intervention_message(stamp_ns, ALONE, self._action),
                messages.named_vector(stamp_ns, ["candidate"], [candidate]),
            )
            for publisher, message in zip(self._parts, said, strict=True):
                publisher.publish(message)


def test_each_candidate_that_loads_is_tried_once_in_order_and_then_the_best_acts(stage: Stage, observer: Observer):
    task = build("reach", {})
    folder, spec = stage.root / "checkpoints", task.spec
    task.close()
    for step, gain in ((1, STANDS_STILL), (2, GOES_THERE), (3, GOES_THERE)):
        write_reacher(folder, step, spec, gain)
    corrupt(folder / "step_3")
    said = observer.listen(String, "policy/selection")
    asked = {"candidates": [str(folder)], "learner": "greedy", "episodes": DEPLOYED, "output": str(stage.root)}
    selector = stage.node("selector", asked)
    observer.bring_up("selector")

    played = Played(observer, spec)
    expected = [Mixture.of_one(NAMES, 0, 0), Mixture.of_one(NAMES, 1, 1), Mixture.of_one(NAMES, 1)]
    for number, candidate in enumerate((0, 1, *[1] * DEPLOYED)):
        heard = min(number + 1, len(expected))
        observer.until(lambda heard=heard: len(said) >= heard, "who acts next")
        played.episode(candidate, success=candidate == 1)
    observer.until(lambda: selector.ended, "the end of the selection")
    assert selector.wait() == 0, selector.output
    assert [Mixture.from_json(message.data) for message in said] == expected
    plain = json.loads((stage.root / "selection.json").read_text())
    assert [row["returns"] for row in plain["candidates"]] == [[0.0], [1.0], [0.0]]
    assert plain["deployed"]["drawn"] == {"step_2": DEPLOYED}
