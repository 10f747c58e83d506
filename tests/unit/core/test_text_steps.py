from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.text_steps import MOST_OPEN, STEP_NS, SpokenChains, episode_of, steps_of

WALK = TextEpisode(
    (TextTurn("here\n", "left\n", -1.0, (5, 1)), TextTurn("there\n", "right\n", 0.0)), True, {"success": True}, "goal\n"
)
CUT = TextEpisode((TextTurn("", "\n", -4.0),), False, {"success": False}, "still here\n")


@pytest.mark.parametrize("episode", [WALK, CUT])
def test_an_episode_comes_back_from_its_steps(episode):
    steps = list(steps_of(episode, 7, 100))
    assert episode_of(steps, episode.info) == episode
    assert [step.stamp_ns for step in steps] == [100 + place * STEP_NS for place in range(len(steps))]
    assert {step.feedback.episode for step in steps} == {7}


def test_no_episode_comes_from_steps_of_which_one_is_missing():
    steps = list(steps_of(WALK, 0, 0))
    assert [episode_of([*steps[:gone], *steps[gone + 1 :]], {}) for gone in range(3)] == [None] * 3


def test_an_episode_without_turns_is_refused():
    with pytest.raises(ConfigError, match="episode 3 of text has no turns"):
        list(steps_of(TextEpisode((), True), 3, 0))


def test_episodes_that_are_under_way_at_once_are_told_apart():
    first, second = (list(steps_of(WALK, number, number)) for number in (0, 1))
    chains = SpokenChains()
    mixed = [step for pair in zip(first, second, strict=True) for step in pair]
    whole = [found for step in mixed if (found := chains.append(step))]
    assert whole == [tuple(first), tuple(second)]
    assert (chains.broken, chains.open, chains.newest) == (0, 0, 1)


def test_a_missing_step_costs_its_own_episode_alone():
    first, second = (list(steps_of(WALK, number, number)) for number in (0, 1))
    chains = SpokenChains()
    whole = [found for step in (first[0], second[0], first[2], second[1], second[2]) if (found := chains.append(step))]
    assert whole == [tuple(second)]
    assert (chains.broken, chains.open) == (1, 0)


def test_episodes_that_never_came_and_those_that_were_left_in_their_middle_are_lost():
    chains = SpokenChains()
    chains.append(next(steps_of(WALK, 2, 0)))
    assert chains.broken == 2
    chains.reset()
    assert (chains.broken, chains.open) == (3, 0)
    for number in range(3, 4 + MOST_OPEN):
        chains.append(next(steps_of(WALK, number, 0)))
    assert (chains.broken, chains.open) == (4, MOST_OPEN)
