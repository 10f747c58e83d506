from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from fakes.steps import episode

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.step_rows import from_rows, to_rows
from vlmrl_ros.core.types import Step


def seen(step: Step) -> Step:
    """The same step with two cameras."""
    wrist = np.full((4, 6, 3), step.feedback.step, np.uint8)
    return replace(step, observation={**step.observation, "wrist": wrist, "front": wrist[:2] + 1})


@pytest.mark.parametrize("cameras", [False, True], ids=["state", "cameras"])
def test_steps_survive_a_file_to_the_last_bit(cameras):
    steps = [seen(step) if cameras else step for step in episode(3, 5, (2, 3), success=True, reward=0.1)]
    steps[1] = replace(steps[1], intervention=replace(steps[1].intervention, advice=(0.25, -0.5)))
    plan = EpisodePlan(0.3, True, 2, 0.1, 2)
    steps[2] = replace(steps[2], feedback=replace(steps[2].feedback, plan=plan))
    file = io.BytesIO()
    np.save(file, to_rows(steps), allow_pickle=False)
    file.seek(0)
    found = from_rows(np.load(file, allow_pickle=False))
    for step, again in zip(steps, found, strict=True):
        assert (again.stamp_ns, again.feedback, again.intervention) == (
            step.stamp_ns, step.feedback, step.intervention
        )  # fmt: skip
        assert again.observation.keys() == step.observation.keys()
        pairs = [(step.observation[name], again.observation[name]) for name in step.observation]
        pairs += [(getattr(step, n), getattr(again, n)) for n in ("policy_action", "command", "executed")]
        for mine, other in pairs:
            assert mine.dtype == other.dtype
            np.testing.assert_array_equal(mine, other)
