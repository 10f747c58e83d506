from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.nodes.bench import offline_rl


def record(seed: int, cql: float) -> dict[str, object]:
    """As many bad as good checkpoints; of the bad ones the first was lucky each time."""
    values = np.repeat([0.1, 0.8], 50)
    returns = np.repeat(values[:, None], 5, 1)
    returns[0] = 1.0
    return {"seed": seed, "returns": returns.tolist(), "values": values.tolist(), "cql": cql}


def test_figures_say_what_each_choice_is_worth_in_truth():
    figures = offline_rl.figures_of([record(seed, cql) for seed, cql in ((0, 0.3), (1, 0.5))])
    assert figures["offline_rl.greedy.value.mean"] == pytest.approx(0.1)  # it fell for the lucky one
    assert figures["offline_rl.lcb.value.mean"] == pytest.approx(0.1)
    assert figures["offline_rl.uniform.value.mean"] == pytest.approx(0.45)
    assert figures["offline_rl.cql.value.mean"] == pytest.approx(0.4)
    assert figures["offline_rl.best.value.mean"] == pytest.approx(0.8)
    assert figures["offline_rl.trust.value.mean"] == pytest.approx(0.45)  # one trial shows nothing for certain
    assert figures["offline_rl.trust_is_best"] == 0.0
    assert figures["offline_rl.coverage"] == 1.0
    assert figures["offline_rl.advises_more_trials"] == 1.0
    assert figures["offline_rl.trials5.greedy.value.mean"] == pytest.approx(0.1)
    assert 0.6 < figures["offline_rl.trials5.trust.value.mean"] < 0.8
    assert figures["offline_rl.trials5.trust_is_best"] == 1.0
    assert figures["offline_rl.trials5.trust.margin.mean"] > 0.15
    assert "offline_rl.trials5.cql.value.mean" not in figures


def test_a_finished_seed_is_not_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(offline_rl, "_record", lambda seed: made.append(seed) or record(seed, 0.3))
    first, again = (offline_rl.measure(True, tmp_path) for _ in range(2))
    assert first == again
    assert tuple(made) == offline_rl.QUICK_SEEDS


def test_a_checkpoint_of_each_part_of_the_way_is_kept(monkeypatch):
    monkeypatch.setattr(offline_rl, "CHECKPOINTS", 3)
    monkeypatch.setattr(offline_rl, "EVERY", 10)
    checkpoints, options = offline_rl.trained(seed=0)
    assert len(checkpoints) == 3
    assert options["explore"] is False
