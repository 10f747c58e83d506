from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import POLICY_FILE
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET, load_policy, rollout, serve
from vlmrl_ros.sim.load import build

EASY = {"horizon": 20, "range_mm": 40.0, "tolerance_mm": 45.0, "post_success_steps": 2}
"""So large a target that chance hits it in some episodes, and in others not."""


@pytest.fixture(scope="module")
def easy():
    made = build("reach", EASY)
    yield made
    made.close()


def request(path: Path, **changes) -> str:
    options = {"horizon": 20, "range_mm": 40.0, "post_success_steps": 2}
    plain = {
        "task": "reach",
        "task_options": options,
        "checkpoint": str(path),
        "episodes": 3,
        "seed": 0,
        "discount": 0.9,
    }
    return json.dumps(plain | changes)


def served(*requests: str) -> list[dict]:
    answers = io.StringIO()
    serve(requests, answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_policy_may_end_an_episode(task):
    class Brief:
        def reset(self) -> None:
            self.steps = 0

        def act(self, observation, rng):
            self.steps += 1
            return np.zeros(task.spec.action.size, np.float32), {"ends": self.steps == 2}

    results = rollout(task, Brief(), 2, seed=0)
    assert [(one.length, one.success) for one in results] == [(2, False), (2, False)]


def test_a_rollout_ends_after_its_episodes_and_none_is_longer_than_the_horizon(task):
    policy = registry.load("policies", "gaussian")(task.spec, {})
    results = rollout(task, policy, 4, seed=0)
    assert len(results) == 4
    assert all(0 < result.length <= 20 for result in results)
    assert all(result.success == (result.task_return > 0) for result in results)


def test_one_seed_gives_the_same_results_and_another_seed_others(easy, checkpoint):
    policy = load_policy(checkpoint, easy.spec, {"explore": True})
    first, again, other = (rollout(easy, policy, 8, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_value_discounts_what_comes_late(easy, checkpoint):
    policy = load_policy(checkpoint, easy.spec)
    plain, discounted = (rollout(easy, policy, 8, 3, discount) for discount in (1.0, 0.5))
    assert any(each.success for each in plain)
    for each, less in zip(plain, discounted, strict=True):
        assert each.value == each.task_return == less.task_return
        rewarded = range(each.length - int(each.task_return), each.length)  # from success on, to the end
        assert less.value == pytest.approx(sum(0.5**k for k in rewarded))


def test_evaluations_meet_episodes_that_training_never_meets(easy, checkpoint):
    (answer,) = served(request(checkpoint, seed=7, episodes=8, task_options=EASY))
    policy = load_policy(checkpoint, easy.spec)
    alone, training = (rollout(easy, policy, 8, seed, 0.9) for seed in (EVALUATION_SEED_OFFSET + 7, 7))
    assert answer["episodes"] == [asdict(result) for result in alone]
    assert alone != training


def test_requests_are_answered_one_by_one_in_order(checkpoint):
    answers = served(*(request(checkpoint, episodes=count) for count in (1, 3, 2)))
    assert [len(answer["episodes"]) for answer in answers] == [1, 3, 2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task": "juggle"}, "unknown task 'juggle'; valid:"),
        ({"task_options": {"horizn": 3}}, "unknown task reach key 'horizn'"),
        ({"checkpoint": "nowhere"}, "'nowhere' is not a checkpoint"),
    ],
)
def test_a_bad_request_is_answered_with_the_reason_and_the_next_one_is_served(checkpoint, changes, reason):
    bad, good = served(request(checkpoint, **changes), request(checkpoint, episodes=1))
    assert reason in bad["error"]
    assert len(good["episodes"]) == 1


def test_a_checkpoint_of_another_task_is_refused(checkpoint):
    (answer,) = served(request(checkpoint, task="pick_lift", task_options={}))
    assert "expected" in answer["error"]
    assert "pick_lift" in answer["error"]


def test_a_damaged_checkpoint_is_refused(checkpoint, task, tmp_path):
    damaged = tmp_path / "step_1"
    damaged.mkdir()
    for path in (checkpoint / "checkpoint.json", checkpoint / POLICY_FILE):
        (damaged / path.name).write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        load_policy(damaged, task.spec)
