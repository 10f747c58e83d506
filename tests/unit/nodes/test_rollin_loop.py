from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vlmrl_ros.core.config import options
from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.nodes.bench import rollin_runs
from vlmrl_ros.nodes.bench.rollin_loop import CurriculumLoop, Setup
from vlmrl_ros.nodes.bench.rollin_tabular import Tabular
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig

SMALL = {
    "hidden": [8],
    "batch_size": 8,
    "critic_updates": 1,
    "critics": 2,
    "samples_per_insert": 1.0,
    "min_steps": 20,
    "capacity": 2000,
    "device": "cpu",
}
EASY = {"stages": 12, "beta": 0.6, "window": 1, "threshold": 0.0, "discount": 0.9}


def loop_of(seed: int = 0, task: str = "point_maze", **curriculum: object) -> CurriculumLoop:
    return CurriculumLoop(Setup(task, "rlpd", {"horizon": 15, "speed_m_s": 3.0}, SMALL, {**EASY, **curriculum}), seed)


def until_rolled_in(loop: CurriculumLoop) -> EpisodePlan:
    """Live until an episode is planned that rolls in for some steps."""
    while not (plan := loop.learner.plan(len(loop.training.log.records))).roll_in_steps:
        loop.episode()
        assert loop.training.steps < 5000
    return plan


def digest(loop: CurriculumLoop, directory: Path) -> str:
    directory.mkdir()
    save_snapshot(directory, loop.training.snapshot())
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.mark.parametrize("horizon", ["added", "counted"])
def test_every_step_is_charged_and_the_horizon_is_as_the_accounting_says(horizon):
    loop = loop_of(horizon=horizon)
    plan = until_rolled_in(loop)
    before = loop.training.steps
    record = loop.episode()
    assert record.steps == 15 + (plan.roll_in_steps if horizon == "added" else 0)
    assert loop.training.steps - before == record.steps


def test_a_resumed_run_ends_in_the_checkpoint_of_an_uninterrupted_one(tmp_path):
    straight, resumed = loop_of(), loop_of()
    until_rolled_in(straight)
    straight.episode()
    (tmp_path / "half").mkdir()
    save_snapshot(tmp_path / "half", straight.training.snapshot())
    resumed.training.restore(tmp_path / "half")
    resumed.go_on()
    for loop in (straight, resumed):
        for _ in range(12):
            loop.episode()
    assert straight.training.updates > 0
    assert digest(straight, tmp_path / "a") == digest(resumed, tmp_path / "b")


def test_a_task_without_a_context_is_refused():
    with pytest.raises(ConfigError, match="'gym:Pendulum-v1' has no context"):
        CurriculumLoop(Setup("gym:Pendulum-v1", "rlpd"), 0)


def test_a_finished_run_is_read_and_not_made_again(tmp_path, monkeypatch):
    small = {name: SMALL[name] for name in SMALL if name in options(RlpdConfig)}
    setup = Setup("point_maze", "rlpd", {"horizon": 15}, small, {"stages": 2})
    monkeypatch.setitem(rollin_runs.SCENARIOS, "maze", rollin_runs.Scenario(setup, 30))
    first = rollin_runs.continuous(tmp_path, "maze", "rollin", 0)
    assert first["steps"] == 30
    assert rollin_runs.continuous(tmp_path, "maze", "rollin", 0) == first  # wall time included
    assert rollin_runs.continuous(tmp_path, "maze", "rollin", 0, steps=45)["steps"] == 45


def test_every_seed_is_a_run_of_its_own(tmp_path):
    run = Tabular(3, 0.01, 0.5, updates=60)
    first = [rollin_runs.tabular(tmp_path, run, seed) for seed in range(3)]
    assert len({str(result) for result in first}) == 3
    assert len(list(tmp_path.glob("*.json"))) == 3
    assert [rollin_runs.tabular(tmp_path, run, seed) for seed in range(3)] == first
