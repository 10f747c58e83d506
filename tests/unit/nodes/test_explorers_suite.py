from __future__ import annotations

from dataclasses import replace

import pytest

from vlmrl_ros.nodes.bench import explorers


def test_what_trust_gains_is_paired_by_seed_and_a_finished_run_is_not_made_again(tmp_path, monkeypatch):
    made = []

    def run(method: str, seed: int) -> dict[str, float]:
        made.append((method, seed))
        return {"lived": 0.01 * seed + 0.1 * (method == "trust"), "lived_first": 0.2, "success": 1.0}

    monkeypatch.setattr(explorers, "run", run)
    figures = explorers.measure(False, tmp_path)
    assert figures == explorers.measure(False, tmp_path)
    assert len(made) == len(set(made)) == 2 * len(explorers.SEEDS)
    assert figures["training.gain.mean"] == pytest.approx(0.1)
    assert figures["training.gain.low"] == pytest.approx(figures["training.gain.high"])


def test_a_short_life_counts_its_episodes(monkeypatch):
    few = {
        "task_options": {"horizon": 20},
        "data_episodes": 20,
        "offline_updates": 5,
        "online_steps": 240,
        "publish_every": 10,
    }
    monkeypatch.setattr(explorers, "MAZE", replace(explorers.MAZE, **few))
    monkeypatch.setattr(explorers, "CHECKPOINT_EVERY", 60)
    monkeypatch.setattr(explorers, "EPISODES", 2)
    small = {"min_steps": 16, "batch_size": 16, "samples_per_insert": 16.0, "hidden": [8]}
    monkeypatch.setattr(explorers, "SHARED", {**explorers.SHARED, **small})
    row = explorers.run("trust", seed=0)
    assert set(row) == {"lived", "lived_first", "success"}
    assert all(0.0 <= value <= 1.0 for value in row.values())
