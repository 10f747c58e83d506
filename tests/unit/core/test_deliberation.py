from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.deliberation import Deliberation, Tick
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.core.vocabulary import Move

LONGEST_S = 5.0


def tick(stamp: int, episode: int = 0, step: int | None = None, received_s: float = 0.0) -> Tick:
    step = stamp if step is None else step
    feedback = Feedback(0.0, False, False, False, episode, step)
    return Tick(stamp, {"state": np.zeros(1, np.float32)}, feedback, received_s)


def move(value: float, steps: int = 3) -> Move:
    return Move(np.array([value], np.float32), steps)


@pytest.fixture
def robot() -> Deliberation:
    return Deliberation(LONGEST_S)


def test_a_decision_is_carried_out_from_its_observation_on_and_then_the_next_one_waits(robot):
    asked = tick(0)
    assert robot.arrive(asked) is None
    answered, action = robot.decide(asked, move(1.0), 0.0)
    assert (answered.stamp_ns, action) == (0, 1.0)
    assert [robot.arrive(tick(stamp)) for stamp in (1, 2)] == [1.0, 1.0]
    assert robot.arrive(tick(3)) is None
    assert robot.waiting.stamp_ns == 3


def test_a_late_decision_counts_for_the_observation_that_waits_now(robot):
    asked = tick(0)
    robot.arrive(asked)
    assert robot.expire(0) is asked
    robot.arrive(tick(1))
    answered, action = robot.decide(asked, move(2.0), 1.0)
    assert (answered.stamp_ns, action) == (1, 2.0)


def test_a_decision_that_finds_nobody_waiting_is_begun_at_the_next_observation(robot):
    asked = tick(0)
    robot.arrive(asked)
    robot.expire(0)
    assert robot.decide(asked, move(2.0), 1.0) is None
    assert robot.arrive(tick(1)) == 2.0


def test_what_was_asked_before_a_motion_began_does_not_end_it(robot):
    first, second = tick(0), tick(1)
    robot.arrive(first)
    robot.expire(0)
    robot.arrive(second)
    robot.decide(first, move(1.0, steps=100), 0.0)
    assert robot.decide(second, move(2.0), 0.0) is None
    assert robot.arrive(tick(2)) == 1.0


def test_an_observation_is_answered_once(robot):
    asked = tick(0)
    robot.arrive(asked)
    assert robot.expire(7) is None
    robot.decide(asked, move(1.0), 0.0)
    assert robot.expire(0) is None


@pytest.mark.parametrize(("age_s", "counts"), [(LONGEST_S, True), (LONGEST_S + 0.1, False)])
def test_a_decision_on_an_old_observation_is_worth_nothing(robot, age_s, counts):
    asked = tick(0, received_s=10.0)
    robot.arrive(asked)
    assert (robot.decide(asked, move(1.0), 10.0 + age_s) is not None) == counts


def test_another_episode_drops_the_motion_and_what_was_asked_before_it(robot):
    asked = tick(0)
    robot.arrive(asked)
    robot.decide(asked, move(1.0, steps=100), 0.0)
    late = tick(1)
    assert robot.arrive(tick(2, episode=1, step=0)) is None
    assert robot.decide(late, move(3.0), 0.0) is None
    assert robot.waiting.stamp_ns == 2


def test_a_takeover_drops_the_motion_decided_before_it_and_no_other(robot):
    asked = tick(0)
    robot.arrive(asked)
    robot.decide(asked, move(1.0, steps=100), 0.0)
    assert robot.flush(4)
    after = tick(5)
    assert robot.arrive(after) is None
    assert robot.decide(after, move(2.0), 0.0) is not None
    assert not robot.flush(4)
    assert robot.arrive(tick(6)) == 2.0


def test_nothing_decided_leaves_the_observation_waiting(robot):
    asked = tick(0)
    robot.arrive(asked)
    assert robot.decide(asked, None, 0.0) is None
    assert robot.decide(asked, move(1.0, steps=0), 0.0) is None
    assert robot.expire(0) is asked
