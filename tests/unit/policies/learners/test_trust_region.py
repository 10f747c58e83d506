from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.nodes.bench.cone_solver import greatest_gain
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, evidence_of
from vlmrl_ros.policies.learners.trust.region import best_mixtures, greatest_gains, radii, second_moments


def evidence_with(arms: int, seed: int, equal: bool = False) -> Evidence:
    rng = np.random.default_rng(seed)
    counts = np.ones(arms, np.int64) if equal else rng.integers(1, 50, arms)
    sigma = np.ones(1) if equal else rng.uniform(0.2, 3.0, arms)
    return evidence_of(rng.normal(size=arms), counts, sigma)


@pytest.mark.parametrize("equal", [False, True], ids=["uneven variances", "equal variances"])
@pytest.mark.parametrize("arms", [2, 7, 200])
def test_the_exact_solution_is_that_of_a_cone_solver(arms, equal):
    evidence = evidence_with(arms, seed=arms, equal=equal)
    moments = second_moments(evidence, decay=2.0, size=6)
    direction = np.random.default_rng(3).normal(size=arms)
    solved = [greatest_gain(evidence, direction, radius) for radius in radii(evidence, moments)]
    gains = greatest_gains(direction[None], evidence.reference, moments)[0]
    mixtures = best_mixtures(direction, evidence.reference, moments)
    assert gains == pytest.approx(solved, abs=1e-6)
    assert (mixtures - evidence.reference) @ direction == pytest.approx(solved, abs=1e-6)


@pytest.mark.parametrize("arms", [2, 30, 5000])
def test_a_best_mixture_is_one_and_lies_within_its_region(arms):
    evidence = evidence_with(arms, seed=1)
    moments = second_moments(evidence, decay=1.5, size=12)
    mixtures = best_mixtures(evidence.means, evidence.reference, moments)
    assert (mixtures >= 0).all()
    assert mixtures.sum(1) == pytest.approx(np.ones(12))
    norms = np.sqrt(((mixtures - evidence.reference) ** 2) @ evidence.variances)
    assert (norms <= radii(evidence, moments) * (1 + 1e-9)).all()


def test_the_widest_region_just_reaches_the_farthest_vertex():
    evidence = evidence_with(9, seed=4)
    distances = [np.sqrt(evidence.variances @ (vertex - evidence.reference) ** 2) for vertex in np.eye(9)]
    widest = second_moments(evidence, decay=1.5, size=1)
    assert radii(evidence, widest)[0] == pytest.approx(max(distances))
    farthest = np.eye(9)[int(np.argmax(distances))]
    assert best_mixtures(farthest, evidence.reference, widest)[0] == pytest.approx(farthest, abs=1e-6)


def test_the_grid_falls_by_the_decay():
    evidence = evidence_with(9, seed=4)
    grid = radii(evidence, second_moments(evidence, decay=1.5, size=5))
    assert grid[:-1] / grid[1:] == pytest.approx(np.full(4, 1.5))


def test_moving_to_a_rarely_tried_arm_costs_more_than_to_an_often_tried_one():
    evidence = evidence_of(np.zeros(3), np.array([1, 10, 10]), np.ones(1))
    moments = second_moments(evidence, decay=1.5, size=12)
    rare, often = greatest_gains(np.eye(3)[:2], evidence.reference, moments)
    start = evidence.reference[:2]
    narrow = 11
    assert rare[narrow] < often[narrow]
    assert rare[0] == pytest.approx(1 - start[0])


@pytest.mark.parametrize(
    "direction",
    [[3.0, 3.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [5.0, 1.0, 1.0, 1.0]],
    ids=["two best", "all alike", "one worst", "one best"],
)
def test_arms_with_equal_means_are_no_special_case(direction):
    evidence = evidence_with(4, seed=2)
    moments = second_moments(evidence, decay=1.5, size=8)
    c = np.array(direction)
    solved = [greatest_gain(evidence, c, radius) for radius in radii(evidence, moments)]
    assert greatest_gains(c[None], evidence.reference, moments)[0] == pytest.approx(solved, abs=1e-6)
    mixtures = best_mixtures(c, evidence.reference, moments)
    assert (mixtures - evidence.reference) @ c == pytest.approx(solved, abs=1e-6)


def test_the_scale_of_returns_and_a_far_away_zero_change_no_mixture():
    evidence = evidence_with(40, seed=6)
    moments = second_moments(evidence, decay=1.5, size=12)
    plain = best_mixtures(evidence.means, evidence.reference, moments)
    moved = best_mixtures(1e-3 * evidence.means - 1e3, evidence.reference, moments)
    assert moved == pytest.approx(plain, abs=1e-6)
