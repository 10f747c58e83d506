"""``benchmark``: measures the figures of the repository: a table for people, one flat JSON object for tools."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.nodes.bench.figures import Figures, missed, promised
from vlmrl_ros.nodes.bench.parts import figures_in, part_of, with_part

SUITES = {
    "peg": "RLIF against HG-DAgger, BC and random takeovers on peg_insert",
    "loop": "ticks per second and jitter of the ROS loop",
    "sync": "two runs with one seed end in the same checkpoint",
    "replay": "memory and speed of the replay",
    "learner": "gradient updates per CPU second, beside stable-baselines3, sbx-rl and TorchRL",
    "fuzz": "malformed messages at every subscriber of every node",
    "faults": "kills, chaos and a resume: what a run survives, and that nothing is lost",
    "reaction": "RLIF with people who react up to half a second late",
    "rlif": "RLIF against imitation with operators of three levels",
    "calql": "Cal-QL, CQL, IQL, AWAC and SAC from offline data to the robot",
    "pixels": "RLIF from two cameras",
    "arm": "RLIF through a simulated robot that knows nothing of it",
    "rollin": "a curriculum with roll-in against one without, and against none",
    "lmrl_gym": "learners of language on tasks of LMRL-Gym and on the arm",
    "trust": "which policy to deploy after few trials: TRUST against the best lower bound and the best mean",
    "vlm": "tokens a CPU second and latency of the policy vlm, beside transformers",
    "rl4vlm": "reinforcement learning of a small vision-language model, by task reward and by takeovers",
    "vlm_robot": "a small vision-language model drives the arm by words: SFT, then reward or takeovers",
}
ALL = "all"
"""Every suite in turn, also after one that fails; see :func:`_merged`."""


def main() -> None:
    """Entry point: ``benchmark [suite] [--part NAME] [--json FILE] [--quick] [--work DIR]``."""
    arguments = _parser().parse_args()
    work = Path(arguments.work or tempfile.mkdtemp(prefix=f"bench_{arguments.suite}_"))
    if arguments.part:
        _measure_part(arguments, work)
        return
    found: dict[str, Figures] = {}
    wrong: list[str] = []
    for suite in SUITES if arguments.suite == ALL else (arguments.suite,):
        module = _suite(suite)
        (work / suite).mkdir(parents=True, exist_ok=True)
        try:
            found[suite] = module.measure(arguments.quick, work / suite)
        except VlmrlError as error:
            wrong.append(f"error: {suite}: {error}")
            continue
        _show(suite, found[suite])
        marks = promised(found[suite], getattr(module, "MARKS", {}), arguments.quick)
        wrong += [f"error: {suite}: {line}" for line in missed(found[suite], marks)]
    _say_where(work)
    if arguments.json and found:
        _write(Path(arguments.json), _merged(found))
    if wrong:
        sys.exit("\n".join(wrong))


def _measure_part(arguments: argparse.Namespace, work: Path) -> None:
    """One part of a suite; in the file given by ``--json`` the other parts stay as they are."""
    name, part = arguments.suite, arguments.part
    try:
        suite = part_of(None if name == ALL else _suite(name), part)
        path = Path(arguments.json) if arguments.json else None
        before = figures_in(path) if path else {}
        (work / name).mkdir(parents=True, exist_ok=True)
        figures = suite.measure_part(part, arguments.quick, work / name)
    except VlmrlError as error:
        sys.exit(f"error: {name}: {error}")
    _show(f"{name}: {part}", figures)
    _say_where(work / name)
    if path:
        _write(path, with_part(before, suite, part, figures))
    if wrong := missed(figures, promised(figures, {}, arguments.quick)):
        sys.exit("\n".join(f"error: {name}: {line}" for line in wrong))


def _say_where(work: Path) -> None:
    Console(width=100, highlight=False).print(f"runs and plots: {work} (--work goes on from there)", soft_wrap=True)


def _suite(name: str) -> ModuleType:
    return importlib.import_module(f"vlmrl_ros.nodes.bench.{name}")


def _write(path: Path, figures: Figures) -> None:
    write_whole(path, json.dumps(figures, indent=2, sort_keys=True) + "\n")


def _merged(found: Mapping[str, Figures]) -> Figures:
    """The figures of all suites; one whose name several of them use bears that of its suite before it."""
    used = Counter(name for figures in found.values() for name in figures)
    return {
        f"{suite}.{name}" if used[name] > 1 else name: value
        for suite, figures in found.items()
        for name, value in figures.items()
    }


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:8} {about}" for name, about in SUITES.items())
    parser = argparse.ArgumentParser(
        prog="benchmark",
        description=__doc__,
        epilog=f"suites:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", nargs="?", default=ALL, choices=[*SUITES, ALL])
    parser.add_argument(
        "--part", metavar="NAME", help="only this part of a suite: a task of calql, rlif, pixels, rollin or lmrl_gym"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures there; with --part beside those of the other parts"
    )
    parser.add_argument("--quick", action="store_true", help="a version of five minutes or less that can still fail")
    parser.add_argument("--work", metavar="DIR", help="where the runs go; a temporary directory by default")
    return parser


def _show(suite: str, figures: Figures) -> None:
    table = Table(title=suite)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
