from __future__ import annotations

import importlib.util

import pytest

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench import learner, learner_work
from vlmrl_ros.nodes.bench.learner_work import CRITIC_UPDATES


@pytest.mark.parametrize("critics", [2, 10])
def test_the_operations_of_an_update_are_those_that_torch_counts(critics, monkeypatch):
    """PyTorch's own counter sees every product of a block: ours takes no more than the mathematics asks for."""
    from torch.utils.flop_counter import FlopCounterMode

    monkeypatch.setattr(learner_work, "TRANSITIONS", 300)
    block = learner_work.ours(critics)
    with FlopCounterMode(display=False) as counter:
        block()
    assert counter.get_total_flops() == pytest.approx(CRITIC_UPDATES * learner.flop_per_update(critics), rel=0.02)


def test_libraries_that_are_missing_are_named_with_the_way_to_get_them(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sbx" else find(name))
    with pytest.raises(VlmrlError, match=r"sbx-rl.*make bench SUITE=learner"):
        learner.measure(True, tmp_path)


def test_rates_are_given_with_intervals_and_ratios_are_paired_within_a_round():
    rates = {name: [100.0, 50.0, 80.0] for name in learner.WORK}
    rates["jax.c2"] = [50.0, 25.0, 40.0]
    figures = learner._figures(rates, peak=100.0)
    mean, low, high = (figures[f"updates_per_cpu_s.ours.c2{end}"] for end in ("", ".low", ".high"))
    assert low < mean < high
    assert [figures[f"ratio_to_jax.c2{end}"] for end in ("", ".low", ".high")] == [2.0, 2.0, 2.0]
    assert figures["arithmetic_share.c2"] == pytest.approx(mean * learner.flop_per_update(2) / 100e9)
