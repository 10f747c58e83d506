from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

from tests.unit.sim.conftest import drive
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.sim import load
from vlmrl_ros.sim.operators import peg_insert as peg_operators
from vlmrl_ros.sim.operators.trigger import StallWindow
from vlmrl_ros.sim.tasks import peg_insert

FAR = {"tip_x": 0.03, "tip_y": 0.0, "tip_z": 0.05, "force": 0.0}


def operator(**config: object) -> peg_operators.PegInsertOperator:
    made = peg_operators.build(peg_insert.build({}).spec, config)
    made.reset(np.random.default_rng(0), demonstrate=False)
    return made


def look(step: int, scene: dict[str, float] = FAR, **changes: object) -> Glance:
    return dataclasses.replace(Glance(scene, step, last=False, success=False, intervening=False), **changes)


def answers(person: peg_operators.PegInsertOperator, glances: list[Glance]) -> list[bool]:
    """What the person says at each step, their own hand on the stick where they said so the step before."""
    said: list[bool] = []
    for glance in glances:
        held = bool(said and said[-1])
        said.append(person.intent(dataclasses.replace(glance, intervening=held)).takeover)
    return said


@pytest.mark.parametrize(
    ("name", "options", "episodes", "low", "high"),
    [
        ("peg_insert", {}, 80, 0.40, 0.65),
        ("reach", {}, 80, 0.40, 0.68),
        ("pick_lift", {}, 80, 0.40, 0.70),
        ("tabletop", {"observation": "state"}, 14, 0.40, 0.75),
    ],
)
def test_the_operator_alone_is_mediocre(name: str, options: dict[str, str], episodes: int, low: float, high: float):
    task = load.build(name, options)
    person = importlib.import_module(f"vlmrl_ros.sim.operators.{name}").build(task.spec, {})
    success = np.mean([drive(task, person, seed)[-1].success for seed in range(episodes)])
    assert low <= success <= high


def test_a_demonstration_is_driven_from_the_first_step_to_the_last():
    task = peg_insert.build({})
    glances = drive(task, operator(), 0, demonstrate=True)
    assert all(glance.intervening for glance in glances[1:])


def test_a_policy_that_does_nothing_is_taken_over_when_patience_ends():
    said = answers(operator(patience_steps=5, hold_steps=6), [look(step) for step in range(14)])
    assert said == [False] * 5 + [True] * 6 + [False] * 3


@pytest.mark.parametrize("delay", [1, 3])
def test_a_slow_hand_takes_hold_so_many_steps_after_the_decision(delay: int):
    said = answers(operator(reaction_steps=delay, hold_steps=2), [look(step) for step in range(9 + delay)])
    assert said == [False] * (5 + delay) + [True] * 2 + [False] * 2


def test_who_has_decided_takes_over_although_the_danger_has_passed_but_not_after_success():
    person = operator(reaction_steps=2)
    assert not person.intent(look(0, {**FAR, "force": 99.0})).takeover
    assert not person.intent(look(1)).takeover
    assert person.intent(look(2)).takeover
    person.reset(np.random.default_rng(0), demonstrate=False)
    assert not person.intent(look(0, {**FAR, "force": 99.0})).takeover
    assert not any(person.intent(look(step, success=True)).takeover for step in range(1, 6))


def test_one_who_advises_says_what_they_would_do_while_the_policy_acts():
    intent = operator(advises=True, action_noise=0.0).intent(look(0))
    assert intent.advises
    assert not intent.takeover
    assert intent.action[0] < 0, "towards the hole"
    assert not operator().intent(look(0)).advises


def test_patience_begins_anew_after_a_takeover():
    said = answers(operator(patience_steps=5, hold_steps=2), [look(step) for step in range(14)])
    assert said == [False] * 5 + [True] * 2 + [False] * 5 + [True] * 2


def test_a_policy_that_makes_progress_is_left_alone():
    closer = [look(step, {**FAR, "tip_x": 0.03 - 0.001 * step}) for step in range(25)]
    assert not any(answers(operator(), closer))


def test_progress_slower_than_the_threshold_counts_as_a_stall():
    creeping = [look(step, {**FAR, "tip_x": 0.03 - 0.0001 * step}) for step in range(10)]
    assert any(answers(operator(), creeping))


@pytest.mark.parametrize("danger", [{"force": 41.0}, {"tip_x": 0.095}, {"tip_y": -0.095}, {"tip_z": 0.125}])
def test_danger_is_answered_at_once(danger: dict[str, float]):
    assert operator().intent(look(0, {**FAR, **danger})).takeover


def test_control_is_not_taken_after_success():
    assert not any(answers(operator(), [look(step, success=True) for step in range(20)]))


def test_a_takeover_ends_with_success():
    person = operator()
    assert person.intent(look(0, {**FAR, "force": 99.0})).takeover
    assert not person.intent(look(1, success=True, intervening=True)).takeover


def test_an_episode_that_ends_stalled_is_taken_over_at_its_last_step():
    said = answers(operator(), [look(step, last=step == 5) for step in range(6)])
    assert said[-1]


def test_an_operator_that_never_takes_over_does_not():
    scenes = [look(step, {**FAR, "force": 99.0}) for step in range(50)]
    assert not any(answers(operator(trigger="never"), scenes))


def test_random_takeovers_come_at_their_rate_whatever_happens():
    said = answers(operator(trigger="random", takeover_rate=0.1, hold_steps=1), [look(step) for step in range(4000)])
    assert 0.08 < np.mean(said) < 0.12


def test_success_ends_random_takeovers_and_not_those_of_the_blind():
    after = [look(step, success=True) for step in range(400)]
    assert not any(answers(operator(trigger="random", hold_steps=1), after))
    assert 0.05 < np.mean(answers(operator(trigger="blind", hold_steps=1), after)) < 0.15


def test_one_seed_gives_one_person():
    def actions(seed: int) -> list[bytes]:
        person = operator()
        person.reset(np.random.default_rng(seed), demonstrate=True)
        return [person.intent(look(step)).action.tobytes() for step in range(5)]

    assert actions(1) == actions(1)
    assert actions(1) != actions(2)


def test_actions_stay_within_the_bounds_of_the_task():
    task = peg_insert.build({})
    person = operator(action_noise=5.0)
    person.reset(np.random.default_rng(0), demonstrate=True)
    actions = np.array([person.intent(look(step)).action for step in range(50)])
    assert actions.dtype == np.float32
    assert (np.abs(actions) <= task.spec.action.high).all()


def test_a_wrong_trigger_names_the_valid_ones():
    with pytest.raises(ConfigError, match="progress, random, never"):
        operator(trigger="sometimes")


def test_an_unknown_habit_names_the_valid_ones():
    with pytest.raises(UnknownNameError, match="hold_steps"):
        operator(mood="good")


def test_a_window_that_is_not_full_is_not_stalled():
    window = StallWindow(patience_steps=3, progress=0.1)
    for cost in (1.0, 1.0, 1.0):
        window.add(cost)
    assert not window.stalled
    window.add(1.0)
    assert window.stalled


def test_a_window_compares_with_the_best_of_all_time():
    window = StallWindow(patience_steps=2, progress=0.1)
    for cost in (0.5, 2.0, 1.5, 1.0):
        window.add(cost)
    assert window.stalled, "still worse than at the start"
    window.add(0.3)
    assert not window.stalled
