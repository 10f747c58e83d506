from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.policies.evaluation.statistics import (
    bootstrap_interval,
    mean_interval,
    permutation_p,
    student_quantile,
    success_interval,
)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (95, 100, 0.8882, 0.9785),
        (1, 1, 0.2065, 1),
    ],
)
def test_success_interval_has_wilsons_published_values(successes, trials, low, high):
    interval = success_interval(successes, trials)
    assert (interval.mean, interval.low, interval.high) == pytest.approx((successes / trials, low, high), abs=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.95])
def test_success_interval_covers_the_truth_as_often_as_it_says(rate):
    drawn = np.random.default_rng(0).binomial(100, rate, 2000)
    intervals = [success_interval(int(k), 100) for k in drawn]
    assert np.mean([i.low <= rate <= i.high for i in intervals]) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ConfigError, match=f"{successes} successes in {trials} trials"):
        success_interval(successes, trials)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.30265), (4, 2.77645), (9, 2.26216), (30, 2.04227), (1000, 1.96234)]
)
def test_student_quantiles_are_those_of_the_tables(freedom, quantile):
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, rel=1e-4)
    assert student_quantile(0.025, freedom) == pytest.approx(-quantile, rel=1e-4)


@pytest.mark.parametrize("trials", range(1, 200))
def test_success_interval_holds_its_rate_at_both_ends(trials):
    for successes in (0, trials):
        interval = success_interval(successes, trials)
        assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0


def test_mean_interval_of_three_seeds_is_students():
    interval = mean_interval([1.0, 2.0, 3.0])
    assert (interval.mean, interval.low, interval.high) == pytest.approx((2.0, 2 - 2.48414, 2 + 2.48414), abs=1e-4)


def test_one_seed_has_no_interval():
    with pytest.raises(ConfigError, match="2 values or more; got 1"):
        mean_interval([0.9])


def test_bootstrap_interval_covers_the_mean_of_skewed_values():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(200):
        interval = bootstrap_interval(rng.exponential(size=60).tolist(), rng, resamples=500)
        hits.append(interval.low <= 1.0 <= interval.high)
    assert np.mean(hits) == pytest.approx(0.93, abs=0.05)


def test_a_bootstrap_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="1 value or more"):
        bootstrap_interval([], np.random.default_rng(0))


def test_the_permutation_test_counts_the_ways():
    assert permutation_p([3.0, 4.0], [1.0, 2.0]) == pytest.approx(1 / 6)
    assert permutation_p([1.0, 2.0], [3.0, 4.0]) == 1.0
    assert permutation_p([1.0, 1.0, 1.0], [1.0, 1.0]) == 1.0
    assert permutation_p([1 / 3, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]) == pytest.approx(4 / 20)


def test_the_permutation_test_is_right_where_there_is_no_difference():
    drawn = np.random.default_rng(0).normal(size=(300, 10))
    found = np.array([permutation_p(values[:5], values[5:]) for values in drawn])
    assert np.mean(found <= 0.05) == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize(("first", "second"), [([], [1.0]), ([1.0], []), ([1.0] * 11, [0.0] * 10)])
def test_an_impossible_permutation_test_is_refused(first, second):
    with pytest.raises(ConfigError, match="20 together"):
        permutation_p(first, second)
