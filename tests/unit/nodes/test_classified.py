from __future__ import annotations

import numpy as np

from vlmrl_ros.nodes.classified import ClassifiedTask
from vlmrl_ros.sim.load import build


class Above:
    """Calls it success while the tip is high: no network is needed to see who is asked."""

    def __init__(self, task) -> None:
        self.task = task

    def succeeded(self, observation) -> bool:
        return bool(self.task.tip()[2] > self.low)


def test_the_detector_alone_says_what_is_rewarded():
    task = build("reach", {"horizon": 12})
    detector = Above(task)
    seen = ClassifiedTask(task, detector)
    seen.reset(np.random.default_rng(0))
    detector.low = task.tip()[2] + 0.01
    up = np.array([0.0, 0.0, task.spec.action.high[2]], np.float32)
    rewards = [seen.step(up).reward for _ in range(6)]
    assert rewards[0] == 0.0
    assert rewards[-1] == 1.0
    assert seen.success
    rewards = [seen.step(-up).reward for _ in range(6)]
    assert rewards[-1] == 0.0
    assert seen.success, "success holds for the rest of the episode"
    seen.reset(np.random.default_rng(1))
    assert not seen.success
    assert seen.spec is task.spec
    task.close()
