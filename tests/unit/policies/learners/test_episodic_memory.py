"""Whole episodes and what they are worth: the returns against sums written out, and what may be drawn."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.episodic.memory import EpisodicMemory
from vlmrl_ros.policies.learners.episodic.returns import returns_to_go, scaled_rewards

CONFIG = EpisodicConfig(discount=0.9, reward_scale=10.0, reward_bias=-5.0, capacity=500)
FAILURE = -5.0 / (1 - 0.9)


def episode(
    rewards, *, terminated=False, success=False, number=0, arm=0, demonstration=False, start=0
) -> list[Transition]:
    """An episode whose transitions have the given rewards of the task; its steps are in state (number, step, 0)."""
    zero, nobody = np.zeros(2, np.float32), Intervention(False, False, 0.0, Source.POLICY)
    steps = []
    for k, reward in enumerate([0.0, *rewards], start):
        last = k == start + len(rewards)
        feedback = Feedback(reward, last and terminated, last and not terminated, last and success, number, k)
        state = {"state": np.array([number, k, 0], np.float32) / 1000}
        steps.append(Step((number * 100 + k) * 10**8 + arm, state, feedback, zero, zero, zero, nobody))
    return [Transition(a, b, demonstration, arm) for a, b in pairwise(steps)]


def cut(items: list[Transition]) -> list[Transition]:
    """The same, with an end that is not the end of the episode."""
    open_end = dataclasses.replace(items[-1].after.feedback, truncated=False, terminated=False)
    return [*items[:-1], dataclasses.replace(items[-1], after=dataclasses.replace(items[-1].after, feedback=open_end))]


def states(memory: EpisodicMemory, name: str) -> list[tuple[int, int]]:
    """Episode and step of all that can be drawn from one half."""
    part = memory.parts[name]
    rows = part.rows(np.arange(len(part)))
    return [(round(e * 200), round(k * 200)) for e, k, _ in part.layout.split(rows)["state"]]


def test_the_return_is_the_discounted_sum_of_scaled_rewards():
    items = episode([0.0, 0.0, 1.0], terminated=True, success=True)
    np.testing.assert_allclose(scaled_rewards(items, CONFIG), [-5, -5, 5])
    np.testing.assert_allclose(returns_to_go(items, CONFIG), [-5 - 0.9 * 5 + 0.81 * 5, -5 + 0.9 * 5, 5])


def test_an_episode_that_achieves_nothing_goes_on_like_that_for_ever():
    assert pytest.approx([FAILURE] * 3) == returns_to_go(episode([0.0] * 3), CONFIG).tolist()
    other = dataclasses.replace(CONFIG, failure_reward=-1.0)
    assert pytest.approx([-15 / 0.1] * 2) == returns_to_go(episode([-1.0] * 2), other).tolist()


def test_failing_for_good_is_worth_the_failure_for_ever_and_success_is_not_touched():
    crash = episode([0.0, 0.0], terminated=True)
    np.testing.assert_allclose(scaled_rewards(crash, CONFIG), [-5, FAILURE])
    np.testing.assert_allclose(returns_to_go(crash, CONFIG), [FAILURE, FAILURE])
    np.testing.assert_allclose(scaled_rewards(crash, dataclasses.replace(CONFIG, failure_lasts=False)), [-5, -5])
    late = episode([1.0, 0.0], terminated=True)
    np.testing.assert_allclose(returns_to_go(late, CONFIG), [5 + 0.9 * FAILURE, FAILURE])


def test_failing_for_good_never_pays_where_rewards_are_positive():
    fall = episode([0.5, 0.5, 0.5], terminated=True)
    config = EpisodicConfig(discount=0.9, failure_lasts=True)
    np.testing.assert_allclose(scaled_rewards(fall, config), [0.5, 0.5, 0.5])
    np.testing.assert_allclose(returns_to_go(fall, config), [0.5 * 2.71, 0.5 * 1.9, 0.5])
    shifted = dataclasses.replace(config, reward_bias=-1.0)
    np.testing.assert_allclose(scaled_rewards(fall, shifted), [-0.5, -0.5, -5])


@pytest.mark.parametrize(("tail", "after"), [("none", 0.0), ("last", 5 / (1 - 0.9))])
def test_after_a_truncation_comes_what_the_option_says(tail, after):
    items = episode([0.0, 1.0], success=True)
    config = dataclasses.replace(CONFIG, truncated_tail=tail)
    np.testing.assert_allclose(returns_to_go(items, config), [-5 + 0.9 * (5 + 0.9 * after), 5 + 0.9 * after])


def test_a_tail_follows_no_termination():
    items = episode([0.0, 1.0], terminated=True, success=True)
    config = dataclasses.replace(CONFIG, truncated_tail="last")
    np.testing.assert_allclose(returns_to_go(items, config), [-5 + 0.9 * 5, 5])


def test_an_open_episode_is_not_drawn_and_an_ended_one_has_its_returns(spec):
    memory = EpisodicMemory(spec, CONFIG)
    items = episode([0.0, 0.0, 1.0], terminated=True, success=True)
    for item in items[:-1]:
        memory.add(item)
    assert len(memory) == 0
    assert not memory.online
    memory.add(items[-1])
    assert memory.online
    columns = memory.layout.split(memory.parts["online"].rows(np.arange(3)))
    np.testing.assert_allclose(columns["return_to_go"][:, 0], returns_to_go(items, CONFIG), rtol=1e-6)
    np.testing.assert_allclose(columns["reward"][:, 0], [-5, -5, 5])
    np.testing.assert_allclose(columns["bootstrap"][:, 0], [1, 1, 0])


def test_arms_in_the_middle_of_their_episodes_do_not_wait_for_each_other(spec):
    memory = EpisodicMemory(spec, CONFIG)
    slow, quick = episode([0.0] * 5, number=0, arm=0), episode([0.0, 1.0], number=1, arm=1)
    for pair in zip(slow, quick, strict=False):
        for item in pair:
            memory.add(item)
    assert states(memory, "online") == [(1, 0), (1, 1)]


def test_what_comes_before_a_gap_counts_as_truncated(spec):
    memory = EpisodicMemory(spec, CONFIG)
    for item in [*cut(episode([1.0, 0.0])), *episode([0.0, 1.0], start=5)]:
        memory.add(item)
    assert states(memory, "online") == [(0, 0), (0, 1), (0, 5), (0, 6)]
    columns = memory.layout.split(memory.parts["online"].rows(np.arange(4)))
    np.testing.assert_allclose(columns["return_to_go"][:, 0], [5 - 0.9 * 5, -5, -5 + 0.9 * 5, 5])


def test_a_recording_that_breaks_off_is_settled_by_the_next_one(spec):
    memory = EpisodicMemory(spec, CONFIG)
    for item in [*cut(episode([0.0, 0.0], arm=-1)), *episode([0.0, 1.0], number=1, arm=-2)]:
        memory.add(item)
    assert states(memory, "offline") == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_what_was_known_before_and_what_was_lived_are_mixed_in_their_shares(spec):
    memory = EpisodicMemory(spec, dataclasses.replace(CONFIG, offline_share=0.25))
    for item in episode([0.0] * 3, number=0, arm=-1):
        memory.add(item)
    out = np.empty((40, memory.layout.width), np.float32)
    memory.sample(out, np.random.default_rng(0))  # all from the only half
    for item in [*episode([0.0] * 3, number=1, demonstration=True), *episode([0.0] * 3, number=2)]:
        memory.add(item)
    memory.sample(out, np.random.default_rng(0))
    of = [round(row * 200) for row in memory.layout.split(out)["state"][:, 0]]
    assert set(of[:10]) == {0, 1}
    assert set(of[10:]) == {2}


def test_open_episodes_of_several_arms_survive_a_checkpoint(camera_spec, transitions, tmp_path):
    first, second = EpisodicMemory(camera_spec, CONFIG), EpisodicMemory(camera_spec, CONFIG)
    items = transitions(4, camera_spec)
    others = [dataclasses.replace(item, arm=1) for item in items]
    middle = 12 + 5
    for pair in zip(items[:middle], others[:middle], strict=True):
        for item in pair:
            first.add(item)
    save_snapshot(tmp_path, first.snapshot())
    second.restore(tmp_path)
    for pair in zip(items[middle:], others[middle:], strict=True):
        for item in pair:
            first.add(item)
            second.add(item)
    assert len(first) == len(second) == 2 * len(items)
    for name, part in first.parts.items():
        slots = np.arange(len(part))
        np.testing.assert_array_equal(part.rows(slots), second.parts[name].rows(slots))
        if len(part):
            np.testing.assert_array_equal(part.frames(slots, "wrist"), second.parts[name].frames(slots, "wrist"))
