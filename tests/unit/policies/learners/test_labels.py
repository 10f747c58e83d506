from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.learners.labels import (
    advised_action,
    demonstrated,
    driven_by_person,
    persons_action,
    stored_by_release,
    takeover_reward,
    task_reward,
)


def step(*, human: bool = False, edge: bool = False, reward: float = 0.0, success: bool = False) -> Step:
    zero = np.zeros(2, np.float32)
    decided = Intervention(human, edge, -float(edge), Source.HUMAN if human else Source.POLICY)
    return Step(0, {"state": zero}, Feedback(reward, False, False, success, 0, 0), zero, zero, zero, decided)


POLICY, TAKEOVER, HUMAN = step(), step(human=True, edge=True), step(human=True)


def test_takeover_penalises_the_step_before_it():
    assert takeover_reward(Transition(before=POLICY, after=TAKEOVER)) == -1.0


def test_a_persons_own_steps_are_not_penalised():
    assert takeover_reward(Transition(before=TAKEOVER, after=HUMAN)) == 0.0
    assert takeover_reward(Transition(before=HUMAN, after=POLICY)) == 0.0


def test_a_policy_step_that_nobody_minds_is_worth_nothing():
    assert takeover_reward(Transition(before=POLICY, after=POLICY)) == 0.0


@pytest.mark.parametrize("reward", [-5.0, 1.0, 100.0])
def test_takeover_reward_does_not_read_the_task(reward: float):
    praised = step(reward=reward, success=True)
    assert takeover_reward(Transition(POLICY, praised)) == 0.0
    assert takeover_reward(Transition(POLICY, dataclasses.replace(praised, intervention=TAKEOVER.intervention))) == -1.0


def test_task_reward_is_that_of_the_step_arrived_at():
    assert task_reward(Transition(step(reward=7.0), step(reward=1.0))) == 1.0


def test_a_demonstration_and_a_takeover_are_both_driven_by_a_person_but_only_one_is_demonstrated():
    demonstration, takeover, policy = (
        Transition(HUMAN, HUMAN, demonstration=True),
        Transition(TAKEOVER, HUMAN),
        Transition(POLICY, TAKEOVER),
    )
    assert [driven_by_person(t) for t in (demonstration, takeover, policy)] == [True, True, False]
    assert [demonstrated(t) for t in (demonstration, takeover, policy)] == [True, False, False]


def test_the_release_keeps_of_a_takeover_the_last_step_and_of_an_episode_all_but_the_last():
    ending = dataclasses.replace(POLICY, feedback=dataclasses.replace(POLICY.feedback, truncated=True))
    assert stored_by_release(Transition(POLICY, POLICY))
    assert stored_by_release(Transition(POLICY, TAKEOVER)), "the penalised one"
    assert not stored_by_release(Transition(TAKEOVER, HUMAN))
    assert stored_by_release(Transition(HUMAN, POLICY)), "the last of the takeover"
    assert not stored_by_release(Transition(POLICY, ending))
    assert stored_by_release(Transition(HUMAN, HUMAN, demonstration=True))
    assert not stored_by_release(Transition(HUMAN, ending, demonstration=True))


def test_advice_is_cloned_where_it_was_given_and_what_a_person_did_where_they_acted():
    advised = dataclasses.replace(POLICY, intervention=dataclasses.replace(POLICY.intervention, advice=(0.5, -0.5)))
    np.testing.assert_array_equal(advised_action(Transition(advised, POLICY)), [0.5, -0.5])
    assert persons_action(Transition(advised, POLICY)) is None
    np.testing.assert_array_equal(advised_action(Transition(HUMAN, POLICY)), HUMAN.executed)
    assert advised_action(Transition(POLICY, POLICY)) is None
