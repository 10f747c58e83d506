from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes import benchmark
from vlmrl_ros.nodes.bench.figures import over_seeds
from vlmrl_ros.nodes.benchmark import SUITES, _merged

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=58)


def test_an_unknown_suite_is_refused_with_those_that_exist():
    done = run("-m", "vlmrl_ros.nodes.benchmark", "speed")
    assert done.returncode != 0
    assert "'speed'" in done.stderr
    assert all(suite in done.stderr for suite in SUITES)


def test_the_replay_suite_writes_flat_numbers_and_stays_near_the_raw_frames(tmp_path):
    path = tmp_path / "replay.json"
    done = run("-m", "vlmrl_ros.nodes.benchmark", "replay", "--quick", "--json", str(path), "--work", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())
    assert {"bytes_ratio", "sample_ms", "insert_us"} <= figures.keys()
    assert all(type(value) in (int, float) for value in figures.values())
    assert 0.99 < figures["bytes_ratio"] <= 1.1
    assert figures["sample_ms"] > 0
    assert all(name in done.stdout for name in figures)


def test_a_suite_that_fails_keeps_no_other_from_being_measured(monkeypatch, tmp_path, capsys):
    def fails(quick: bool, work: Path) -> dict[str, float]:
        raise VlmrlError("it did not hold")

    suites = {"first": fails, "second": lambda quick, work: {"seconds": 2.0}}
    monkeypatch.setattr(benchmark, "SUITES", dict.fromkeys(suites, ""))
    for name, measure in suites.items():
        monkeypatch.setitem(sys.modules, f"vlmrl_ros.nodes.bench.{name}", SimpleNamespace(measure=measure))
    path = tmp_path / "all.json"
    monkeypatch.setattr(sys, "argv", ["benchmark", "--json", str(path), "--work", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^error: first: it did not hold$"):
        benchmark.main()
    assert json.loads(path.read_text()) == {"seconds": 2.0}


def test_a_suite_that_misses_its_marks_fails_and_loses_no_figure(monkeypatch, tmp_path, capsys):
    figures = {"lost": 2.0, "kept": 1.0, "success": 0.9}
    marks = {"lost": (0.0, 0.0), "kept": (1.0, 1.0), "success": (0.95, 1.0), "not_measured": (1.0, 1.0)}
    suite = SimpleNamespace(measure=lambda quick, work: figures, MARKS=marks)
    monkeypatch.setattr(benchmark, "SUITES", {"only": ""})
    monkeypatch.setitem(sys.modules, "vlmrl_ros.nodes.bench.only", suite)
    path = tmp_path / "only.json"
    monkeypatch.setattr(sys, "argv", ["benchmark", "only", "--json", str(path), "--work", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    assert str(ended.value) == ("error: only: lost is 2; valid: 0\nerror: only: success is 0.9; valid: 0.95 to 1")
    assert json.loads(path.read_text()) == figures


@pytest.mark.parametrize(("options", "fails"), [([], False), (["--quick"], True)])
def test_a_quick_suite_fails_where_its_ordering_does_not_show(monkeypatch, tmp_path, options, fails):
    figures = {"reach.ordering_holds": 1.0, "push.ordering_holds": 0.0, "ordering_holds": 0.0}
    suite = SimpleNamespace(measure=lambda quick, work: figures)
    monkeypatch.setattr(benchmark, "SUITES", {"only": ""})
    monkeypatch.setitem(sys.modules, "vlmrl_ros.nodes.bench.only", suite)
    monkeypatch.setattr(sys, "argv", ["benchmark", "only", "--work", str(tmp_path), *options])
    if not fails:
        benchmark.main()
        return
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    lines = [f"error: only: {name} is 0; valid: 1" for name in ("push.ordering_holds", "ordering_holds")]
    assert str(ended.value) == "\n".join(lines)


def test_figures_over_seeds_carry_mean_and_interval():
    figures = over_seeds("rlif.success", [0.9, 1.0, 0.95])
    assert figures.keys() == {"rlif.success.mean", "rlif.success.low", "rlif.success.high"}
    assert figures["rlif.success.mean"] == pytest.approx(0.95)
    assert figures["rlif.success.low"] < 0.95 < figures["rlif.success.high"]


def test_one_seed_has_no_interval():
    assert over_seeds("x", [0.5]) == {"x.mean": 0.5}


def test_in_one_file_a_name_that_several_suites_use_bears_the_suite():
    found = {"rlif": {"ordering_holds": 1.0, "a.score": 0.5}, "calql": {"ordering_holds": 0.0}}
    assert _merged(found) == {"rlif.ordering_holds": 1.0, "a.score": 0.5, "calql.ordering_holds": 0.0}
    assert _merged({"rlif": found["rlif"]}) == found["rlif"]


MADE = {
    "reference": "docs/parameters.md",
    "text_options": "launch/config/text/maze.yaml",
    "figures": "docs/failures.md",
}
"""Tools that write pages and options, and one that each of them writes."""


@pytest.mark.parametrize("tool", MADE)
def test_what_a_tool_writes_is_current(tool):
    done = run(f"tools/{tool}.py", "--check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("tool", MADE)
def test_what_is_not_current_is_named_with_the_command_that_mends_it(tool, tmp_path):
    for folder in ("tools", "docs", "launch"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "README.md", tmp_path)
    page = tmp_path / MADE[tool]
    page.write_text(re.sub(r"\d", "0", page.read_text(encoding="utf-8")), encoding="utf-8")
    done = run(str(tmp_path / "tools" / f"{tool}.py"), "--check")
    assert done.returncode != 0
    assert page.name in done.stderr
    assert f"is not current; run: python tools/{tool}.py" in done.stderr
