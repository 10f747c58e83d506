"""Steps become transitions, and some of these demonstrations."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from fakes.steps import episode, step

from vlmrl_ros.core.chain import Chain, DemonstrationSieve
from vlmrl_ros.core.types import Intervention, Source, Step, Transition


def transitions(steps: list[Step]) -> list[Transition]:
    chain = Chain()
    return [made for one in steps if (made := chain.append(one)) is not None]


def sieved(sieve: DemonstrationSieve, steps: list[Step]) -> list[Transition]:
    return [settled for transition in transitions(steps) for settled in sieve.put(transition)]


def numbers(found: list[Transition]) -> list[tuple[int, int]]:
    return [(t.before.feedback.episode, t.before.feedback.step) for t in found]


def test_consecutive_steps_of_an_episode_become_transitions():
    steps = episode(0, 3)
    chain = Chain()
    made = [chain.append(one) for one in steps]
    assert made[0] is None
    assert [(t.before, t.after) for t in made[1:]] == list(pairwise(steps))
    assert chain.broken == 0


def test_no_transition_leads_from_one_episode_to_the_next():
    chain = Chain()
    made = [chain.append(one) for one in [*episode(0, 2), *episode(1, 2)]]
    assert [t is None for t in made] == [True, False, False, True, False, False]
    assert chain.broken == 0


def test_a_missing_step_breaks_the_chain_and_is_counted():
    chain, steps = Chain(), episode(0, 4)
    made = [chain.append(one) for one in (steps[0], steps[1], steps[3], steps[4])]
    assert [t is None for t in made] == [True, False, True, False]
    assert chain.broken == 1


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(episode(1, 3)[0], id="the end of the first episode is missing"),
        pytest.param(episode(0, 3)[1], id="a step comes again"),
        pytest.param(episode(1, 3)[2], id="an end and a beginning are missing"),
    ],
)
def test_whatever_is_not_the_next_step_breaks_the_chain(after):
    chain = Chain()
    for one in episode(0, 3)[:2]:
        chain.append(one)
    assert chain.append(after) is None
    assert chain.broken == 1


def test_an_episode_that_is_skipped_as_a_whole_breaks_the_chain():
    chain = Chain()
    for one in [*episode(0, 2), *episode(2, 2)]:
        chain.append(one)
    assert chain.broken == 1


def test_a_successful_episode_in_a_persons_hands_is_a_demonstration_once_it_has_ended():
    sieve = DemonstrationSieve()
    *early, last = transitions(episode(0, 4, range(5), success=True))
    assert all(sieve.put(t) == [] for t in early)
    settled = sieve.put(last)
    assert numbers(settled) == [(0, k) for k in range(4)]
    assert all(t.demonstration for t in settled)
    assert (sieve.demonstrations, sieve.failed) == (1, 0)


def test_a_demonstration_that_fails_is_dropped_and_counted():
    sieve = DemonstrationSieve()
    assert sieved(sieve, episode(0, 4, range(5), success=False)) == []
    assert (sieve.demonstrations, sieve.failed) == (0, 1)


def test_a_demonstration_that_fails_passes_on_as_ordinary_where_that_is_asked_for():
    sieve = DemonstrationSieve(keeps_failed=True)
    settled = sieved(sieve, episode(0, 4, range(5), success=False))
    assert numbers(settled) == [(0, k) for k in range(4)]
    assert not any(t.demonstration for t in settled)
    assert (sieve.demonstrations, sieve.failed) == (0, 1)


def test_an_episode_given_back_early_passes_on_in_order_as_ordinary_transitions():
    sieve = DemonstrationSieve()
    steps = episode(0, 5, range(3), success=True)
    released = [numbers(sieve.put(t)) for t in transitions(steps)]
    assert released == [[], [], [], [(0, 0), (0, 1), (0, 2), (0, 3)], [(0, 4)]]
    assert not any(t.demonstration for t in sieved(sieve, episode(1, 5, range(3), success=True)))
    assert sieve.demonstrations == 0


def test_a_takeover_in_an_episode_that_the_policy_began_passes_on_at_once():
    sieve = DemonstrationSieve()
    steps = episode(0, 4, range(1, 5), success=True)
    assert [numbers(sieve.put(t)) for t in transitions(steps)] == [[(0, k)] for k in range(4)]
    assert sieve.demonstrations == 0


@pytest.mark.parametrize("missing", [2, 4])
def test_an_episode_with_a_missing_step_is_no_demonstration_but_nothing_of_it_is_lost(missing):
    steps = episode(0, 4, range(5), success=True) + episode(1, 3)
    seen = [one for k, one in enumerate(steps) if k != missing]
    sieve = DemonstrationSieve()
    settled = sieved(sieve, seen)
    assert numbers(settled) == numbers(transitions(seen))
    assert not any(t.demonstration for t in settled)
    assert sieve.demonstrations == 0


def test_two_demonstrations_do_not_run_into_each_other_where_the_end_of_one_is_missing():
    first, second = episode(0, 3, range(4), success=True), episode(1, 3, range(4), success=True)
    sieve = DemonstrationSieve()
    settled = sieved(sieve, [*first[:3], *second[1:]])
    assert not any(t.demonstration for t in settled)
    third = sieved(sieve, episode(2, 3, range(4), success=True))
    assert numbers(third) == [(2, k) for k in range(3)]
    assert sieve.demonstrations == 1


def idle(steps, where):
    """The same steps, but nobody acts in some of them."""
    nobody = Intervention(False, False, 0.0, Source.STOPPED)
    return [replace(s, intervention=nobody) if k in where else s for k, s in enumerate(steps)]


def test_a_demonstration_begins_with_the_persons_first_step_and_outlasts_a_pause():
    """The arm stands still before they take it, and while they let go of it."""
    sieve = DemonstrationSieve()
    settled = sieved(sieve, idle(episode(0, 6, range(7), success=True), (0, 1, 4)))
    assert [t.demonstration for t in settled] == [False, False, True, True, True, True]
    assert sieve.demonstrations == 1


def test_an_episode_in_which_nobody_acts_is_no_demonstration():
    sieve = DemonstrationSieve()
    settled = sieved(sieve, idle(episode(0, 4, success=True), range(5)))
    assert [t.demonstration for t in settled] == [False] * 4
    assert (sieve.demonstrations, sieve.failed) == (0, 0)


def test_a_transition_is_a_persons_where_a_person_acted_and_ends_in_a_takeover_where_one_begins():
    made = transitions(episode(0, 4, (2, 3)))
    assert [t.human for t in made] == [False, False, True, True]
    assert [t.took_over for t in made] == [False, True, False, False]


@pytest.mark.parametrize(
    ("terminated", "truncated", "bootstrap"), [(True, False, 0.0), (False, True, 1.0), (False, False, 1.0)]
)
def test_only_termination_stops_bootstrapping(terminated, truncated, bootstrap):
    after = step(0, 1, terminated=terminated, truncated=truncated)
    assert Transition(step(0, 0), after).bootstrap == bootstrap
    assert after.feedback.last == (terminated or truncated)
