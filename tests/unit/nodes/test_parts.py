"""Suites that are measured part by part, on several days, into one file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.nodes import benchmark
from vlmrl_ros.nodes.bench import lmrl_gym, pixels, rlif, rollin
from vlmrl_ros.nodes.bench.parts import together

RESULTS = Path(__file__).resolve().parents[3] / "docs" / "results"


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Runs the command on a suite with the parts ``reach`` and ``reach_far``, of which only the second holds."""
    made: list[tuple[str, bool, Path]] = []

    def measure_part(part: str, quick: bool, work: Path) -> dict[str, float]:
        made.append((part, quick, work))
        return {f"{part}.success": 0.9, f"{part}.ordering_holds": float(part == "reach_far")}

    suite = SimpleNamespace(PARTS=("reach", "reach_far"), measure_part=measure_part, measure=None)
    monkeypatch.setattr(benchmark, "SUITES", {"only": "", "whole": ""})
    monkeypatch.setitem(sys.modules, "vlmrl_ros.nodes.bench.only", suite)
    monkeypatch.setitem(sys.modules, "vlmrl_ros.nodes.bench.whole", SimpleNamespace(measure=None))

    def run(*arguments: str) -> list[tuple[str, bool, Path]]:
        monkeypatch.setattr(sys, "argv", ["benchmark", *arguments, "--work", str(tmp_path)])
        benchmark.main()
        return made

    return run


def test_a_part_is_put_beside_the_others_and_takes_the_place_of_its_old_figures(bench, tmp_path):
    path = tmp_path / "only.json"
    path.write_text(json.dumps({"reach.old": 1, "reach_far.success": 0.8, "reach_far.ordering_holds": 1.0}))
    with pytest.raises(SystemExit, match=r"^error: only: reach\.ordering_holds is 0; valid: 1$"):
        bench("only", "--part", "reach", "--json", str(path), "--quick")
    assert json.loads(path.read_text()) == {
        "ordering_holds": 0.0,
        "reach.ordering_holds": 0.0,
        "reach.success": 0.9,
        "reach_far.ordering_holds": 1.0,
        "reach_far.success": 0.8,
    }


def test_while_a_part_is_missing_nothing_is_said_of_the_whole(bench, tmp_path):
    path = tmp_path / "only.json"
    assert bench("only", "--part", "reach_far", "--quick") == [("reach_far", True, tmp_path / "only")]
    bench("only", "--part", "reach_far", "--json", str(path))
    assert json.loads(path.read_text()).keys() == {"reach_far.success", "reach_far.ordering_holds"}
    bench("only", "--part", "reach", "--json", str(path))
    bench("only", "--part", "reach_far", "--json", str(path))
    assert json.loads(path.read_text())["ordering_holds"] == 0.0


@pytest.mark.parametrize(
    ("suite", "error"),
    [
        ("only", r"^error: only: part 'push'; valid: reach, reach_far$"),
        ("whole", r"^error: whole: part 'push'; valid: none, this suite is measured whole$"),
        ("all", r"^error: all: part 'push'; valid: none, "),
    ],
)
def test_an_unknown_part_is_refused_with_those_that_exist(bench, suite, error):
    with pytest.raises(SystemExit, match=error):
        bench(suite, "--part", "push")


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": {"b": 1}}', '{"a": "1"}'])
def test_a_file_that_has_no_figures_is_refused_before_anything_is_measured_and_kept(bench, tmp_path, text):
    path = tmp_path / "only.json"
    path.write_text(text)
    with pytest.raises(SystemExit, match=f"^error: only: '{path}' is not "):
        bench("only", "--part", "reach", "--json", str(path))
    assert path.read_text() == text
    assert bench("only", "--part", "reach") == [("reach", False, tmp_path / "only")]


def test_the_ordering_of_a_suite_needs_that_of_each_part():
    each = {"peg_insert.ordering_holds": 1.0}, {"hopper.ordering_holds": 1.0, "hopper.weak.bc.score.mean": 0.0}
    assert together(each)["ordering_holds"] == 1.0
    assert together((*each, {"walker2d.ordering_holds": 0.0}))["ordering_holds"] == 0.0
    assert together([{"hopper.weak.bc.score.mean": 0.0}])["ordering_holds"] == 0.0


@pytest.mark.parametrize(
    ("name", "suite"), [("rlif", rlif), ("pixels", pixels), ("rollin", rollin), ("lmrl_gym", lmrl_gym)]
)
def test_published_figures_of_a_suite_in_parts_belong_to_one_of_them(name, suite):
    published = json.loads((RESULTS / f"{name}.json").read_text())
    prefixes = tuple(f"{part}." for part in suite.PARTS)
    assert all(figure.startswith(prefixes) for figure in published.keys() - {"ordering_holds"})
    is_whole = all(any(figure.startswith(prefix) for figure in published) for prefix in prefixes)
    assert published.get("ordering_holds") == (together([published])["ordering_holds"] if is_whole else None)


@pytest.mark.parametrize(("suite", "part"), [(rollin, "maze"), (rlif, "hopper"), (rlif, "adroit_pen")])
def test_a_part_without_a_quick_version_says_so(tmp_path, suite, part):
    with pytest.raises(ConfigError, match=f"part '{part}' has no quick version"):
        suite.measure_part(part, True, tmp_path)
