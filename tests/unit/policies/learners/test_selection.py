"""TRUST and the rules beside it, and the learner that they share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, RangeError, ShapeError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.evidence import evidence_of
from vlmrl_ros.policies.learners.bandit.rules import greedy, lcb, least_variance, uniform
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import critical_radii, enhance, trust
from vlmrl_ros.policies.learners.trust.region import greatest_gains, second_moments

RULES = ("trust", "lcb", "greedy", "uniform")
FEW = Candidates(("a", "b", "c"))
TRUST = TrustConfig()


def uneven(arms: int, seed: int):
    rng = np.random.default_rng(seed)
    counts, sigma = rng.integers(1, 20, arms), rng.uniform(0.2, 2.0, arms)
    return evidence_of(rng.normal(size=arms), counts, sigma)


def learner_of(name: str, candidates: Candidates = FEW, seed: int = 0, **values: object):
    builder = registry.load("learners", name)
    return builder.build(candidates, from_mapping(builder.config_type, values), np.random.default_rng(seed))


def taught(name: str, seed: int = 0, **values: object):
    learner = learner_of(name, seed=seed, **values)
    for arm, value in ((0, 0.0), (1, 1.0), (2, 1.0), (2, 0.0)):
        learner.add(Outcome(arm, value))
    return learner


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_a_learner_of_outcomes_that_gives_a_mixture(name):
    learner = learner_of(name)
    assert registry.load("learners", name).experience is Outcome
    learner.add(Outcome(0, 1.0))
    learner.add(Outcome(1, 0.0))
    assert not learner.ready
    learner.add(Outcome(2, 1.0))
    assert learner.ready
    metrics = learner.update()
    mixture = learner.variables()["mixture"]
    assert mixture.shape == (3,)
    assert (mixture >= 0).all()
    assert mixture.sum() == pytest.approx(1.0)
    assert metrics["value"] == pytest.approx(mixture @ [1.0, 0.0, 1.0])
    assert metrics["certificate"] < metrics["value"]


def test_the_rules_choose_what_they_are_named_after():
    evidence = evidence_of(np.array([1.0, 1.2, 0.2]), np.array([9, 1, 90]), np.ones(1))
    assert greedy(evidence, 0.1).mixture.tolist() == [0, 1, 0]
    assert lcb(evidence, 0.1).mixture.tolist() == [1, 0, 0]
    assert uniform(evidence, 0.1).mixture == pytest.approx([1 / 3] * 3)
    assert least_variance(evidence, 0.1).mixture == pytest.approx([0.09, 0.01, 0.9])


def test_those_that_tie_share_the_choice_and_its_certificate():
    evidence = evidence_of(np.array([1.0, 0.0, 1.0, 1.0]), np.array([1, 1, 4, 1]), np.array([0.5]))
    by_mean, by_bound = greedy(evidence, 0.1), lcb(evidence, 0.1)
    assert by_mean.mixture == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])
    assert by_bound.mixture.tolist() == [0, 0, 1, 0]
    doubt = 0.5 * math.sqrt(2 * math.log(2 * 4 / 0.1))
    assert by_mean.value == pytest.approx(1.0)
    assert by_mean.certificate == pytest.approx(1 - doubt * (1 + 0.5 + 1) / 3)
    assert by_bound.certificate == pytest.approx(1 - doubt / 2)


def test_the_certificates_are_those_of_the_equations():
    evidence = evidence_of(np.array([1.0, 0.0]), np.array([4, 1]), np.array([2.0]))  # variances 1 and 4
    many = math.log(2 * 2 / 0.1)
    assert lcb(evidence, 0.1).certificate == pytest.approx(1 - math.sqrt(2 * many))
    one = 2 * math.log(2 / 0.1)
    assert least_variance(evidence, 0.1).certificate == pytest.approx(0.8 - math.sqrt(one / 1.25))
    assert uniform(evidence, 0.1).certificate == pytest.approx(0.5 - math.sqrt(one * 1.25))
    chosen = trust(evidence, TRUST, np.random.default_rng(0))
    gained = (chosen.mixture - evidence.reference) @ evidence.means
    assert chosen.value == pytest.approx(0.8 + gained)
    assert chosen.certificate == pytest.approx(chosen.value - chosen.critical_radius - math.sqrt(one / 1.25))


def test_trust_takes_the_region_whose_improvement_is_most_certain():
    evidence = uneven(50, seed=1)
    chosen = trust(evidence, TRUST, np.random.default_rng(0))
    best = max(chosen.path, key=lambda point: point.score)
    assert len(chosen.path) == TRUST.radii
    assert [point.radius for point in chosen.path] == sorted((p.radius for p in chosen.path), reverse=True)
    assert (chosen.radius, chosen.critical_radius) == (best.radius, best.critical_radius)
    assert best.score > 0


def test_the_reference_stays_where_no_improvement_is_certain():
    evidence = evidence_of(np.array([0.51, 0.5]), np.ones(2, np.int64), np.ones(1))
    chosen = trust(evidence, TRUST, np.random.default_rng(0))
    assert all(point.score < 0 for point in chosen.path)
    assert chosen.mixture.tolist() == [0.5, 0.5]
    assert (chosen.radius, chosen.critical_radius) == (0.0, 0.0)
    assert chosen.certificate == least_variance(evidence, 0.1).certificate


@pytest.mark.parametrize("delta", [0.05, 0.1, 0.4])
def test_fresh_noise_exceeds_a_critical_radius_as_rarely_as_promised(delta):
    evidence, config = uneven(60, seed=2), TrustConfig(delta=delta, draws=2000)
    bounds = critical_radii(evidence, config, np.random.default_rng(0))
    noise = np.random.default_rng(1).normal(size=(20_000, 60)) * np.sqrt(evidence.variances)
    gains = greatest_gains(noise, evidence.reference, second_moments(evidence, config.decay, config.radii))
    each = delta / (2 * config.radii)
    slack = 4 * math.sqrt(each / 2000 + each / 20_000)
    assert (np.abs((gains > bounds).mean(0) - each) < slack).all()
    assert (gains > bounds).any(1).mean() <= delta / 2


def test_the_certificate_holds_over_noise_and_is_worth_more_than_that_of_the_best_lower_bound():
    """Instance B of the notes, small: a few well-known arms, many good ones, as many bad and noisy ones."""
    true = np.r_[np.full(2, 0.2), np.ones(49), -np.ones(49)]
    counts, sigma = np.r_[np.full(2, 50), np.ones(98, np.int64)], np.r_[np.ones(51), np.full(49, 3.0)]
    rng = np.random.default_rng(0)
    critical = critical_radii(evidence_of(true, counts, sigma), TRUST, rng)
    certified, other, held = [], [], []
    for _ in range(100):
        evidence = evidence_of(true + rng.normal(size=100) * sigma / np.sqrt(counts), counts, sigma)
        chosen = enhance(evidence, critical, TRUST)
        certified.append(chosen.certificate)
        other.append(lcb(evidence, TRUST.delta).certificate)
        held.append(true @ chosen.mixture >= chosen.certificate)
    assert np.mean(held) >= 1 - TRUST.delta
    assert np.mean(certified) > np.mean(other)


@pytest.mark.parametrize(("draws", "valid"), [(239, False), (240, True), (100, False)])
def test_a_bound_that_the_draws_cannot_resolve_is_refused(draws, valid):
    values = {"draws": draws, "delta": 0.1, "radii": 12}
    if valid:
        assert taught("trust", **values).update()
        return
    with pytest.raises(ConfigError, match=f"draws is {draws}, too few for delta 0.1 and 12 radii.* 240 or more"):
        learner_of("trust", **values)
    with pytest.raises(ConfigError, match=f"draws is {draws}"):
        trust(uneven(5, 0), TrustConfig(draws=draws), np.random.default_rng(0))


@pytest.mark.parametrize("name", RULES)
def test_equal_seeds_and_outcomes_give_equal_mixtures_whatever_happened_between(name):
    first, second = taught(name, seed=1), taught(name, seed=1)
    second.update()
    assert first.update() == second.update()
    np.testing.assert_array_equal(first.variables()["mixture"], second.variables()["mixture"])
    np.testing.assert_array_equal(first.variables()["path"], second.variables()["path"])


def test_another_seed_draws_other_noise():
    one, other = taught("trust", seed=1), taught("trust", seed=2)
    one.update()
    other.update()
    assert not np.array_equal(one.variables()["path"], other.variables()["path"])


@pytest.mark.parametrize("name", RULES)
def test_a_restored_learner_decides_the_same(name, tmp_path):
    saved, restored = taught(name, seed=3), learner_of(name, seed=3)
    saved.update()
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    for learner in (saved, restored):
        learner.add(Outcome(0, 1.0))
    assert restored.update() == saved.update()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("{", "Expecting"),
        ('{"kind": "lcb", "names": ["a", "b", "c"], "returns": []}', "made by learner 'lcb'"),
        ('{"kind": "trust", "names": ["a", "b", "d"], "returns": [[], [], []]}', "3 candidates or others"),
        ('{"kind": "trust", "names": ["a", "b", "c"], "returns": [[], [1]]}', "returns of 2 arms"),
        ('{"kind": "trust", "names": ["a", "b", "c"], "returns": [[], [NaN], []]}', "not finite"),
        ("[]", "indices"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing(text, reason, tmp_path):
    learner = taught("trust")
    if text is not None:
        (tmp_path / "outcomes.json").write_text(text)
    with pytest.raises(CheckpointError, match=f"learner 'trust' in .*{reason}"):
        learner.restore(tmp_path)
    assert learner.ready


@pytest.mark.parametrize("name", RULES)
def test_an_arm_without_trials_is_named(name):
    learner = learner_of(name)
    learner.add(Outcome(0, 1.0))
    learner.add(Outcome(2, 1.0))
    with pytest.raises(ConfigError, match=r"arm 1 \('b'\) has 0 trials; valid: 1 or more"):
        learner.update()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_not_finite_is_named_and_not_kept(value):
    learner = taught("trust")
    before = learner.update()
    with pytest.raises(NonFiniteError, match=rf"return of arm 1 \('b'\) is {value}; valid: a finite number"):
        learner.add(Outcome(1, value))
    assert learner.update() == before


@pytest.mark.parametrize("arm", [-1, 3])
def test_an_arm_that_does_not_exist_is_named(arm):
    with pytest.raises(RangeError, match=f"outcome of arm {arm}; valid: 0 to 2"):
        learner_of("lcb").add(Outcome(arm, 1.0))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("delta", [0, 1, 1.5, -0.1, math.nan])
def test_a_delta_that_is_no_probability_of_error_is_named(name, delta):
    with pytest.raises(ConfigError, match=f"delta is {delta:g}; valid: "):
        learner_of(name, delta=delta)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("sigma", [0.0, math.inf, -1.0])
def test_a_sigma_that_is_no_noise_is_named(name, sigma):
    with pytest.raises(ConfigError, match=f"sigma of arm 2 is {sigma:g}; valid: above 0 and finite"):
        learner_of(name, sigma=[1.0, 1.0, sigma])
    with pytest.raises(ConfigError, match="sigma is nan"):
        learner_of(name, sigma=[1.0, 1.0, math.nan])


def test_sigmas_are_one_for_all_or_one_for_each():
    with pytest.raises(ShapeError, match="2 sigmas for 3 arms; valid: a count for each arm, and a sigma for each or"):
        learner_of("trust", sigma=[1.0, 1.0])


@pytest.mark.parametrize("names", [(), ("alone",)])
def test_fewer_than_two_candidates_are_refused(names):
    with pytest.raises(ShapeError, match=rf"{len(names)} candidate.*; valid: 2 or more"):
        Candidates(names)
    with pytest.raises(ShapeError, match="valid: 2 or more"):
        evidence_of(np.zeros(len(names)), np.ones(len(names), np.int64), np.ones(1))


def test_a_candidate_that_is_named_twice_is_refused():
    with pytest.raises(ShapeError, match="candidate 'b' is named twice"):
        Candidates(("a", "b", "b"))


def test_evidence_that_is_not_finite_is_named():
    with pytest.raises(NonFiniteError, match="mean return of arm 1 is nan"):
        evidence_of(np.array([0.0, math.nan]), np.ones(2, np.int64), np.ones(1))
    with pytest.raises(ConfigError, match="arm 1 has 0 trials"):
        evidence_of(np.zeros(2), np.array([1, 0]), np.ones(1))


@pytest.mark.parametrize("name", RULES)
def test_a_task_of_steps_is_refused(name, spec):
    with pytest.raises(ConfigError, match=f"learner '{name}' chooses among whole policies.*task 'toy' from steps"):
        learner_of(name, spec)


@pytest.mark.parametrize("name", RULES)
def test_nothing_is_decided_before_the_first_update(name):
    with pytest.raises(ConfigError, match=f"learner '{name}' has decided nothing yet"):
        taught(name).variables()
