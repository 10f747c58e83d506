from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.nodes.bench import trust
from vlmrl_ros.nodes.bench.figures import missed
from vlmrl_ros.nodes.bench.trust_instances import INSTANCES, bandit
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import enhance


def test_the_instances_are_those_of_the_notes():
    groups = {
        "a": [(500, 1.0, 1, 1.0), (500, 0.0, 1, 1.0)],
        "a_prime": [(500, 1.0, 1, 2.0), (500, 0.0, 1, 2.0)],
        "b": [(20, 0.2, 50, 1.0), (490, 1.0, 1, 1.0), (490, -1.0, 1, 3.0)],
        "c": [(500, 1.0, 1, 1.0), (500, 0.0, 1, 0.25)],
    }
    for name, expected in groups.items():
        arms = bandit(name, 1000)
        rows = np.stack([arms.means, arms.counts, arms.sigma], 1)
        kinds, sizes = np.unique(rows, axis=0, return_counts=True)
        assert sorted((int(size), *kind) for size, kind in zip(sizes, kinds.tolist(), strict=True)) == sorted(expected)


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize("arms", [10, 37])
def test_trials_have_the_noise_that_the_rules_are_told_of(name, arms):
    chosen = bandit(name, arms)
    tried = [chosen.tried(seed) for seed in range(400)]
    errors = np.array([(evidence.means - chosen.means) / np.sqrt(evidence.variances) for evidence in tried])
    assert errors.mean() == pytest.approx(0.0, abs=5 / np.sqrt(errors.size))
    assert (errors**2).mean() == pytest.approx(1.0, abs=5 * np.sqrt(2 / errors.size))
    assert np.array_equal(chosen.tried(3).means, tried[3].means)


def test_a_figure_that_is_not_that_of_the_notes_misses_its_mark_and_no_other_does(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "FRESH", 500)
    figures = trust.measure_bandits(True, tmp_path)
    assert figures["reproduced"] == 1
    assert missed(figures, trust.MARKS) == []
    assert set(trust.MARKS) - set(figures) == {"radius_coverage.delta0_05"}
    wrong = {"b.d1000.delta0_1.trust.certificate.mean": 0.6, "coverage.least": 0.8, "solver_difference": 1e-3}
    assert [line.split(" is ")[0] for line in missed({**figures, **wrong}, trust.MARKS)] == list(wrong)
    assert (tmp_path / "trust.png").stat().st_size > 10_000


def test_no_draw_of_the_critical_radii_is_shared_by_all_seeds():
    chosen, config = bandit("c", 37), TrustConfig()
    critical, seeds = trust._critical(chosen, config), len(trust.SEEDS)
    assert critical.shape == (seeds // trust.SHARING, config.radii)
    assert len({row.tobytes() for row in critical}) == len(critical) > 1
    runs = trust._runs(chosen, critical, config)
    for seed in (0, trust.SHARING, seeds - 1):
        alone = enhance(chosen.tried(seed), critical[seed // trust.SHARING], config)
        assert runs["trust"][seed] == (float(chosen.means @ alone.mixture), alone.certificate)


def test_figures_tell_where_trust_is_not_the_best():
    runs = {name: [(value, value - 1), (value, value - 2)] for name, value in
            {"trust": 0.6, "lcb": 0.7, "greedy": 0.9, "uniform": 0.1, "reference": 0.5}.items()}  # fmt: skip
    figures = trust._figures("x", runs)
    assert figures["x.trust.margin.mean"] == pytest.approx(-0.3)
    assert figures["x.lcb.value.mean"] == pytest.approx(0.7)
    assert figures["x.uniform.certificate.mean"] == pytest.approx(-1.4)
    assert figures["x.greedy.value.sd"] == 0
