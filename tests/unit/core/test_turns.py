"""Episodes of ten steps; an utterance is about the step that it names."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fakes.steps import DT_NS, episode, step
from fakes.utterances import held, saying, spoken

from vlmrl_ros.core.chain import Chain
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.core.turns import Turns
from vlmrl_ros.core.types import Step, Transition

LENGTH = 10


def taken_over(transition: Transition) -> float:
    return -1.0 if transition.took_over else 0.0


def turns_of(steps: list[Step], reward=taken_over, made: Turns | None = None) -> list[Turn]:
    made, chain = made or Turns(["top"], reward), Chain()
    return [turn for transition in filter(None, map(chain.append, steps)) for turn in made(transition)]


def seen(turn: Turn) -> tuple[int, int]:
    """The steps that it began and ended with, read from their frames."""
    return int(turn.observation.images[0][0, 0, 0]), int(turn.after.images[0][0, 0, 0])


def test_a_turn_lasts_as_long_as_its_motion_and_ends_with_the_next_one_or_the_episode():
    turns = turns_of(saying(episode(0, LENGTH), {0: 0, 4: 4}))
    assert [seen(turn) for turn in turns] == [(0, 4), (4, LENGTH)]
    assert [turn.said.action for turn in turns] == ["left", "left"]
    assert [(turn.terminated, turn.truncated) for turn in turns] == [(False, False), (False, True)]
    assert turns[0].observation.text.startswith("what now?")
    assert turns[0].version == 1
    assert turns[0].anchor != turns[1].anchor


def test_termination_is_not_truncation():
    steps = saying(episode(0, LENGTH), {0: 0})
    steps[-1] = replace(steps[-1], feedback=replace(steps[-1].feedback, terminated=True))
    assert [(turn.terminated, turn.truncated) for turn in turns_of(steps)] == [(True, False)]
    assert not turns_of(steps)[0].success
    assert turns_of(saying(episode(0, LENGTH, success=True), {0: 0}))[0].success


def test_a_takeover_penalises_the_utterance_that_it_cuts_short_and_what_the_person_does_lies_within_its_turn():
    steps = saying(episode(0, LENGTH, human=range(3, 6)), {0: 0, 2: 2, 3: -1, 7: 7})
    turns = turns_of(steps)
    assert [seen(turn) for turn in turns] == [(0, 2), (2, 7), (7, LENGTH)]
    assert [(turn.reward, turn.taken_over) for turn in turns] == [(0.0, False), (-1.0, True), (0.0, False)]


def test_an_utterance_that_a_person_let_have_no_say_has_no_turn():
    """At step 3 the policy has just spoken when the person takes over: not these words are to blame."""
    steps = saying(episode(0, LENGTH, human=range(3, LENGTH + 1)), {0: 0, 3: 3, 4: -1})
    turns = turns_of(steps)
    assert [(seen(turn), turn.reward) for turn in turns] == [((0, LENGTH), -1.0)]


def test_an_utterance_in_force_when_the_person_lets_go_has_its_turn_from_there_on():
    steps = saying(episode(0, LENGTH, human=range(2, 5)), {0: 0, 2: -1, 4: 4})
    turns = turns_of(steps, lambda transition: 1.0)
    assert [seen(turn) for turn in turns] == [(0, 5), (4, LENGTH)]
    assert [turn.reward for turn in turns] == [2.0, 5.0]


def test_steps_at_which_nothing_was_said_in_time_are_nobodys_fault():
    steps = saying(episode(0, LENGTH, human=range(6, 8)), {0: 0, 3: -1, 9: 9})
    turns = turns_of(steps)
    assert [seen(turn) for turn in turns] == [(0, 9), (9, LENGTH)]
    assert [turn.reward for turn in turns] == [0.0, 0.0], "the takeover at 6 answers the steps held since 3"


def test_in_real_time_the_picture_is_that_of_the_question_and_the_turn_that_of_the_motion():
    steps = saying(episode(0, LENGTH), {0: -1, 2: 0, 7: 5})
    turns = turns_of(steps, lambda transition: 1.0)
    assert [seen(turn) for turn in turns] == [(0, 7), (5, LENGTH)]
    assert [turn.reward for turn in turns] == [5.0, 3.0]


def test_the_reward_of_the_task_is_that_of_the_steps_that_the_utterance_drove():
    steps = saying(episode(0, LENGTH, human=range(4, 6), reward=0.5), {0: 0, 4: -1, 6: 6})
    turns = turns_of(steps, lambda transition: transition.after.feedback.reward)
    assert [turn.reward for turn in turns] == [4 * 0.5, 4 * 0.5]


def test_who_stops_the_arm_is_not_the_policy():
    steps = saying(episode(0, LENGTH), {0: 0})
    steps[1:] = [held(one) for one in steps[1:]]
    turns = turns_of(steps, lambda transition: 1.0)
    assert [turn.reward for turn in turns] == [1.0]


def test_where_a_step_is_missing_the_turn_is_cut_and_valued_and_its_rest_is_no_turn():
    steps = saying(episode(0, LENGTH), {0: 0, 6: 6})
    turns = turns_of([*steps[:3], *steps[4:]])
    assert [seen(turn) for turn in turns] == [(0, 2), (6, LENGTH)]
    assert [turn.truncated for turn in turns] == [True, True]


def test_an_utterance_about_a_step_that_nobody_has_seen_has_no_turn():
    made = Turns(["top"], taken_over)
    steps = saying(episode(0, LENGTH), {0: -1, 3: 1, 6: 6})
    assert [seen(turn) for turn in turns_of([steps[0], *steps[2:]], made=made)] == [(6, LENGTH)]
    assert made.blind == 1


def test_episodes_do_not_reach_into_each_other():
    first, second = (saying(episode(number, 4), {0: 0}) for number in (0, 1))
    turns = turns_of([*first, *second])
    assert [seen(turn) for turn in turns] == [(0, 4), (0, 4)]
    assert turns[0].anchor == turns[1].anchor, "they began alike"


def test_a_bridge_that_begins_anew_begins_with_a_clean_slate():
    made = Turns(["top"], taken_over)
    late = [replace(one, stamp_ns=one.stamp_ns + 1000 * DT_NS) for one in episode(0, 4)]
    assert len(turns_of(saying(late, {0: 0}), made=made)) == 1
    assert [seen(turn) for turn in turns_of(saying(episode(0, 4), {0: 0}), made=made)] == [(0, 4)]


def test_arms_are_told_apart():
    made = Turns(["top"], taken_over)
    steps = saying([step(0, k) for k in range(4)], {0: 0, 2: 2})
    found = []
    for before, after in pairwise(steps):
        for arm in (0, 1):
            found += made(Transition(before, after, arm=arm))
    assert [(turn.arm, seen(turn)) for turn in found] == [(0, (0, 2)), (1, (0, 2))]
    np.testing.assert_array_equal(found[0].after.images[0], steps[2].observation["top"])


@pytest.mark.parametrize(
    ("invalid", "reward", "terminated"), [("no-op", 0.0, False), ("penalty", -1.0, False), ("end", -1.0, True)]
)
def test_a_text_without_an_action_costs_and_ends_the_episode_as_is_chosen(invalid, reward, terminated):
    steps = saying(episode(0, LENGTH), {0: 0, 4: 4})
    babble = spoken(steps[4].stamp_ns, "hm")
    steps = [replace(step, spoken=babble) if number >= 4 else step for number, step in enumerate(steps)]
    named, none = turns_of(steps, made=Turns(["top"], taken_over, invalid))
    assert (named.reward, named.terminated) == (0.0, False)
    assert (none.reward, none.terminated, none.truncated) == (reward, terminated, not terminated)
