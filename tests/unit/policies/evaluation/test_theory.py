from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest
from fakes.steps import episode

from vlmrl_ros.core.types import Step
from vlmrl_ros.policies.evaluation.theory import Judged, Theory, classification_loss, fit_takeovers

GAMMA = 0.5
COST = 0.25
"""Of an odd step in :func:`corridor`."""


def gap(observation, action) -> float:
    """Of a reference that would never do what the policy does at odd steps."""
    return COST if observation["state"][1] % 2 else 0.0


def watched(theory: Theory, *lived: Iterable[Step]) -> Theory:
    before = None
    for steps in lived:
        for step in steps:
            theory.see(before, step)
            before = step
    return theory


def people(rng: np.random.Generator, delta: float, beta: float, count: int = 1000):
    """Gaps, evenly between 0 and 1, and whether a person of the paper's model takes over."""
    gaps = rng.uniform(0, 1, count)
    right = rng.random(count) < beta
    return gaps, (gaps > delta) == right


@pytest.mark.parametrize(("delta", "beta"), [(0.2, 0.95), (0.5, 0.8), (0.9, 0.95)])
def test_the_persons_threshold_and_reliability_are_found(delta, beta):
    found = [fit_takeovers(*people(np.random.default_rng(seed), delta, beta)) for seed in range(20)]
    assert np.mean([fit.delta for fit in found]) == pytest.approx(delta, abs=0.02)
    assert np.mean([fit.beta for fit in found]) == pytest.approx(beta, abs=0.02)


def test_a_threshold_lies_between_the_gaps_that_it_tells_apart():
    gaps, taken = np.array([3.0, 0.0, 2.0, -1.0, 1.0]), np.array([True, False, True, False, False])
    fit = fit_takeovers(np.tile(gaps, 4), np.tile(taken, 4))
    assert (fit.delta, fit.beta) == (1.5, 1.0)
    assert fit_takeovers(gaps, taken) is None, "five steps may do so by chance"


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 1.0])
def test_takeovers_that_heed_no_gap_show_no_threshold(rate):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert fit_takeovers(rng.uniform(0, 1, 1000), rng.random(1000) < rate) is None


def test_takeovers_of_what_is_better_than_the_reference_show_no_threshold():
    assert fit_takeovers(-np.linspace(1, 2, 100), np.arange(100) % 2 == 0) is None


def test_epsilon_is_the_worse_of_two_losses_over_the_discounted_visitation():
    worse, taken, good = Judged(0.1, False, 1), Judged(0.0, True, 2), Judged(-0.1, False, 0)
    assert classification_loss([good, worse, taken], GAMMA) == pytest.approx(0.5 / 1.75)
    assert classification_loss([good, worse, taken, taken, taken], GAMMA) == pytest.approx(0.75 / 2.25)


def test_the_value_of_a_person_is_the_discounted_return_of_what_they_drove_alone():
    theory = Theory(GAMMA, None)
    assert theory.terms() == {}
    watched(
        theory,
        episode(0, 3, human=range(4), reward=1.0),  # 1 + 1/2 + 1/4
        episode(1, 1, human=range(2), reward=0.25),
        episode(2, 5, human=range(2, 6), reward=7.0),  # the policy had a part in it
        episode(3, 2, human=range(3), reward=7.0)[1:],  # its start was not seen
    )
    assert theory.terms() == {"v_exp": 1.0}
    assert theory.terms(v_pi=2.0, v_ref=3.0) == {"v_pi": 2.0, "v_ref": 3.0, "v_exp": 1.0}


def test_only_steps_of_the_policy_are_judged():
    found = watched(Theory(GAMMA, gap), episode(0, 6, human=range(2, 6))).terms()
    assert found["takeover_rate"] == 1 / 2
    assert found["epsilon"] == pytest.approx(0.5 / 1.5)
    assert "delta" not in found
    assert watched(Theory(GAMMA, gap), episode(0, 1, success=True)).terms() == {}, "the task is done"


def test_the_bound_holds_where_all_terms_are_known_by_hand():
    """One state, reward 1 for the reference's action; at odd steps the policy does what earns less by ``COST``.

    Nobody minds that. So V_ref is 1 / (1 - gamma), and V_pi is less by ``COST`` times the visits of odd steps. A person
    with a threshold above ``COST`` takes over from another policy, which does worse.
    """
    length = 40
    discounts = GAMMA ** np.arange(length)
    v_ref, v_pi = discounts.sum(), discounts.sum() - COST * discounts[1::2].sum()

    def either(observation, action) -> float:
        return 1.0 if observation["state"][0] else gap(observation, action)

    theory = watched(Theory(GAMMA, either), episode(0, length))
    assert theory.terms()["epsilon"] == pytest.approx(1 / 3), "1/2 + 1/8 + ... of 2"
    for number in range(1, 20):
        theory = watched(theory, episode(number, 2, human=(1, 2)))
    theory = watched(theory, episode(20, 1, human=range(2)))
    terms = theory.terms(v_pi, v_ref)
    assert (terms["delta"], terms["beta"]) == ((COST + 1.0) / 2, 1.0)
    assert terms["bound"] == pytest.approx(v_ref - terms["delta"] * terms["epsilon"] / (1 - GAMMA))
    assert terms["bound"] <= terms["v_pi"] <= terms["v_ref"]


def test_a_run_that_goes_on_keeps_what_people_drove():
    first, second = episode(0, 3, human=range(4), reward=1.0), episode(1, 2, human=range(3), reward=1.0)
    theory, resumed = watched(Theory(GAMMA, None), first, second[:2]), Theory(GAMMA, None)
    resumed.resume(json.loads(json.dumps(theory.state())))
    for each in (theory, resumed):
        each.see(second[1], second[2])
    assert resumed.terms() == theory.terms() == {"v_exp": (1.75 + 1.5) / 2}
    with pytest.raises(ValueError, match="1 arms instead of 2"):
        Theory(GAMMA, None, arms=2).resume(theory.state())
