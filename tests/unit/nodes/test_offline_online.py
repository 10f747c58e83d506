"""Runs from data to the robot in process, and what the suite ``calql`` makes of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.nodes.bench import calql
from vlmrl_ros.nodes.bench.offline_online import Protocol, bags_of, recorded, run

SMALL = Protocol(
    task="crash_maze",
    task_options={"horizon": 20},
    data_options={"nearest_start": 0},
    operator_options={},
    data_episodes=12,
    offline_updates=4,
    online_steps=20,
    evaluate_every=10,
    evaluation_episodes=2,
)
OPTIONS = {"hidden": [8], "batch_size": 16, "samples_per_insert": 16.0, "min_steps": 16}


def test_a_run_is_judged_before_its_first_step_and_as_often_as_planned():
    data, options = recorded(SMALL, 0), {**OPTIONS, "sampled_actions": 2}
    record = run(SMALL, "calql", options, 0, data)
    assert [e["step"] for e in record["evaluations"]] == [0, 10, 20]
    assert all({"success", "success_stochastic"} <= e.keys() for e in record["evaluations"])
    updates = [e["metrics"]["updates"] for e in record["evaluations"]]
    assert updates == sorted(updates)
    assert updates[0] == 2.5, "the mean of 1 to 4"
    assert record == run(SMALL, "calql", options, 0, data)


def test_methods_with_one_seed_have_the_same_data_and_other_seeds_other_data():
    one, same, other = (recorded(SMALL, seed) for seed in (0, 0, 1))
    assert [s.executed.tobytes() for s in one] == [s.executed.tobytes() for s in same]
    assert [s.executed.tobytes() for s in one] != [s.executed.tobytes() for s in other]
    assert sum(step.feedback.last for step in one) == 12


def test_bags_hold_what_was_recorded_and_are_written_once(tmp_path):
    plain, bags = recorded(SMALL, 0), bags_of(SMALL, 0, tmp_path / "bags")
    assert [(s.stamp_ns, s.feedback, s.executed.tobytes()) for s in bags] == [
        (s.stamp_ns, s.feedback, s.executed.tobytes()) for s in plain
    ]
    assert len(list((tmp_path / "bags").iterdir())) == 12
    before = [path.stat().st_mtime_ns for path in tmp_path.rglob("*.mcap")]
    bags_of(SMALL, 0, tmp_path / "bags")
    assert [path.stat().st_mtime_ns for path in tmp_path.rglob("*.mcap")] == before


def record(*, offline: float, online: list[float], clamp: float = 0.2, online_clamp: float = 0.3) -> dict:
    metrics = {"value": -50.0, "return_to_go": -60.0, "calibration_gap": 5.0}
    rows = [{"step": 0, "success": offline, "success_stochastic": 0.5, "metrics": {**metrics, "clamp_rate": clamp}}]
    rows += [
        {"step": k + 1, "success": s, "success_stochastic": s / 2, "metrics": {**metrics, "clamp_rate": online_clamp}}
        for k, s in enumerate(online)
    ]
    return {"evaluations": rows}


KEEPS, DIPS = {"offline": 0.9, "online": [0.9] * 8}, {"offline": 0.9, "online": [0.5] * 4 + [0.9] * 4}


SLIPS = {"horizon": 20, "slip_m": 0.15}


def figures(ours: dict, theirs: dict) -> dict[str, float]:
    return calql.figures_of({"calql": [record(**ours)] * 3, "cql": [record(**theirs)] * 3})


def test_the_figures_are_those_of_the_evaluations():
    found = figures(KEEPS, DIPS)
    assert found["crash_maze.p3.cql.success_before.mean"] == pytest.approx(0.9)
    assert found["crash_maze.p3.cql.regret.mean"] == pytest.approx(0.3)
    assert found["crash_maze.p3.cql.regret_stochastic.mean"] == pytest.approx(0.65)
    assert found["crash_maze.p3.cql.first_quarter_drop.mean"] == pytest.approx(0.4)
    assert found["crash_maze.p3.paired_regret_gap.mean"] == pytest.approx(0.2)
    assert found["crash_maze.p3.ordering_holds"] == 1.0


@pytest.mark.parametrize(
    ("mark", "ours", "theirs"),
    [
        ("regret_gap", {**KEEPS, "online": [0.9] * 2 + [0.6] * 6}, DIPS),
        ("cql_drops", KEEPS, {**KEEPS, "online": [0.85] * 2 + [0.7] * 6}),
        ("calql_does_not", {**KEEPS, "online": [0.81] * 2 + [1.0] * 6}, DIPS),
        ("alike_offline", {**KEEPS, "offline": 0.79}, DIPS),
        ("clamp_rate", {**KEEPS, "clamp": 0.04}, DIPS),
        ("clamp_rate", {**KEEPS, "online_clamp": 0.61}, DIPS),
    ],
)
def test_each_condition_of_the_claim_can_fail_alone(mark, ours, theirs):
    found = figures(ours, theirs)
    failed = {name.rsplit(".", 1)[1] for name, value in found.items() if ".mark." in name and not value}
    assert failed == {mark}
    assert found["crash_maze.p3.ordering_holds"] == 0.0


@pytest.mark.parametrize(
    ("offline", "clamp", "met"), [(0.5, 0.2, 1.0), (0.1, 0.2, 0.0), (0.9, 0.2, 0.0), (0.5, 0.03, 0.0), (0.5, 0.7, 0.0)]
)
def test_the_gates_of_the_arm_are_offline_success_and_clamp_rates(offline, clamp, met):
    runs = {method: [record(offline=offline, online=[0.9] * 8, clamp=clamp)] * 3 for method in ("calql", "cql")}
    assert calql.figures_of_arm(runs)["peg_insert.bags.gates_met"] == met


def test_the_suite_leaves_a_record_of_each_run_and_does_not_repeat_it(monkeypatch, tmp_path):
    monkeypatch.setattr(calql, "MAZE", SMALL)
    monkeypatch.setattr(calql, "SHARED", OPTIONS)
    first = calql.measure(True, tmp_path)
    records = sorted(path.name for path in tmp_path.glob("*.json"))
    assert records == ["calql_10.json", "calql_11.json", "cql_10.json", "cql_11.json"]
    path = tmp_path / "cql_11.json"
    changed = json.loads(path.read_text())
    changed["result"]["evaluations"][0]["success"] += 0.5
    path.write_text(json.dumps(changed))
    second = calql.measure(True, tmp_path)
    name = "crash_maze.p3.cql.success_before.mean"
    assert second[name] == pytest.approx(first[name] + 0.25)
    assert (tmp_path / "success.png").stat().st_size > 1000


def test_a_variation_has_other_options_and_its_own_records(monkeypatch, tmp_path):
    monkeypatch.setattr(calql, "MAZE", SMALL)
    monkeypatch.setattr(calql, "SHARED", OPTIONS)
    monkeypatch.setitem(
        calql.VARIATIONS, "crash_maze.p2", replace(calql.VARIATIONS["crash_maze.p2"], seeds=(10,), task_options=SLIPS)
    )
    figures = calql.measure_part("crash_maze.p2", False, tmp_path)
    assert figures["crash_maze.p2.calql.seeds"] == 1.0
    assert {name.rsplit(".", 1)[0] for name in figures if ".mark." in name} == {"crash_maze.p2.mark"}
    assert not any(name.endswith("ordering_holds") for name in figures)
    about = json.loads((tmp_path / "p2" / "cql_10.json").read_text())["settings"]
    assert about["options"]["cql_weight"] == about["options"]["cql_weight_online"] == 40.0
    assert about["protocol"]["task_options"] == SLIPS
    with pytest.raises(ConfigError, match="no quick version"):
        calql.measure_part("crash_maze.p2", True, tmp_path)
