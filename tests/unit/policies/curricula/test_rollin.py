from __future__ import annotations

import json

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.episode_plan import EpisodePlan, Role
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.policies.curricula.rollin import Rollin, RollinConfig, build

HORIZON = 40


def curriculum(stages: int = 3, **options: object) -> Rollin:
    return Rollin(range(1, stages + 1), HORIZON, RollinConfig(stages=stages, **options))


def advance(made: Rollin) -> Rollin:
    while not made.record(1.0):
        pass
    return made


def test_the_length_of_a_roll_in_is_geometric_from_zero_on():
    made = advance(curriculum(beta=1.0, discount=0.8))
    rng = np.random.default_rng(0)
    steps = np.array([made.plan(rng).roll_in_steps for _ in range(20_000)])
    for length in (0, 1, 5):
        expected = 0.2 * 0.8**length
        assert np.mean(steps == length) == pytest.approx(expected, abs=4 * np.sqrt(expected / len(steps)))


def test_a_roll_in_is_cut_at_the_horizon():
    made = advance(curriculum(beta=1.0, discount=0.99))
    rng = np.random.default_rng(0)
    steps = np.array([made.plan(rng).roll_in_steps for _ in range(5000)])
    assert steps.max() == HORIZON
    assert np.mean(steps == HORIZON) == pytest.approx(0.99**HORIZON, abs=0.03)


def test_beta_is_the_share_of_rolled_in_episodes():
    made = advance(curriculum(beta=0.3))
    rng = np.random.default_rng(0)
    assert np.mean([made.plan(rng).rolled_in for _ in range(5000)]) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(("stage", "beta"), [(0, 1.0), (1, 0.0)])
def test_without_a_stage_before_or_without_beta_every_episode_is_plain(stage, beta):
    made = curriculum(beta=beta)
    if stage:
        advance(made)
    rng = np.random.default_rng(0)
    assert {made.plan(rng) for _ in range(200)} == {EpisodePlan(made.contexts[stage])}


def test_the_next_stage_begins_when_the_mean_of_a_full_window_passes_the_threshold():
    made = curriculum(threshold=0.5, window=10)
    outcomes = [1.0] * 5 + [0.0] * 5 + [1.0] * 6
    assert [made.record(outcome) for outcome in outcomes] == [False] * 15 + [True]  # 5 of 10 is not above one half
    assert made.stage == 1


def test_successes_of_one_stage_do_not_count_for_the_next():
    made = advance(curriculum(window=4))
    assert [made.record(1.0) for _ in range(4)] == [False, False, False, True]


def test_the_last_stage_counts_as_solved_by_the_same_test_and_stays():
    made = curriculum(stages=2, window=3)
    shares = []
    for _ in range(8):
        made.record(1.0)
        shares.append(made.solved)
    assert shares == [0.0, 0.0, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    assert made.stage == 1


def test_an_added_roll_in_leaves_the_horizon_to_the_explorer_and_a_counted_one_takes_from_it():
    for horizon in ("added", "counted"):
        made = advance(curriculum(beta=1.0, discount=0.9, horizon=horizon))
        plans = [made.plan(np.random.default_rng(seed)) for seed in range(50)]
        assert any(plan.roll_in_steps for plan in plans)
        for plan in plans:
            assert plan.extra_steps == (plan.roll_in_steps if horizon == "added" else 0)


def test_the_stage_before_rolls_in_and_the_explorer_goes_on():
    plan = EpisodePlan(3.0, rolled_in=True, roll_in_steps=2, roll_in_context=2.0)
    assert [plan.role(step) for step in range(4)] == [Role.ROLL_IN, Role.ROLL_IN, Role.EXPLORER, Role.EXPLORER]
    assert EpisodePlan(3.0).role(0) is Role.MAIN
    made = advance(curriculum(beta=1.0))
    assert made.plan(np.random.default_rng(0)).roll_in_context == made.contexts[0]


def test_its_state_goes_through_json():
    made, other = advance(curriculum(window=5)), curriculum(window=5)
    made.record(1.0)
    other.resume(json.loads(json.dumps(made.state())))
    assert other.state() == made.state()
    assert [other.record(1.0) for _ in range(4)] == [made.record(1.0) for _ in range(4)] == [False, False, False, True]


def test_a_stage_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="stage 7; valid: 0 to 2"):
        curriculum().resume({"stage": 7, "recent": [], "done": False})


def test_the_contexts_come_from_the_task(contextual_spec):
    made = build(contextual_spec, {"stages": 4})
    assert made.contexts == pytest.approx((0.05, 0.1, 0.15, 0.2))
    assert made.contexts[-1] == contextual_spec.context.full


def test_a_task_without_contexts_is_refused(spec):
    with pytest.raises(ConfigError, match="'toy' has no context"):
        build(spec, {})


def test_an_unknown_option_or_curriculum_names_those_that_exist(contextual_spec):
    with pytest.raises(UnknownNameError, match="beta"):
        build(contextual_spec, {"gamma": 1})
    with pytest.raises(UnknownNameError, match="rollin"):
        registry.load("curricula", "random")
    assert registry.load("curricula", "rollin") is build
