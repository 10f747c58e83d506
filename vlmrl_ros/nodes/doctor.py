"""``doctor``: looks at the machine that the loop shall run on, and says what to fix."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vlmrl_ros.nodes.checks.finding import Finding, Level, failed

GROUPS = {
    "ros": "ROS 2, middleware, messages, this package",
    "packages": "Python packages and their versions",
    "graphics": "OpenGL renders one frame",
    "devices": "joystick, SpaceMouse, permissions",
    "clocks": "steady and wall clock, timer, NTP",
    "disk": "space and speed for runs",
    "network": "domain, discovery, interfaces, multicast",
    "transport": "round trips between two processes",
    "compute": "cores, memory, priority, torch",
}
"""Groups of checks: modules in ``checks``, imported when they are asked for."""
COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "bold red"}
Report = Mapping[str, list[Finding]]


def main() -> None:
    """Entry point: ``doctor [--json] [--only GROUP...] [--runs DIR]``; exit status 1 when something needed fails."""
    arguments = _parser().parse_args()
    report = examine(arguments.only or GROUPS, arguments.runs)
    if arguments.json:
        plain = {group: [asdict(finding) for finding in found] for group, found in report.items()}
        sys.stdout.write(json.dumps({"findings": plain, "failed": failures(report)}, indent=2) + "\n")
    else:
        _show(report)
    sys.exit(1 if failures(report) else 0)


def examine(groups: Iterable[str], runs: Path) -> Report:
    """Make the checks of some groups, one after the other, so that they do not disturb each other's times.

    Args:
        groups: of :data:`GROUPS`.
        runs: the directory that runs go into.
    """
    return {group: _check(group, runs) for group in groups}


def failures(report: Report) -> int:
    """How many needed things do not work."""
    return sum(finding.level is Level.FAILED for found in report.values() for finding in found)


def _check(group: str, runs: Path) -> list[Finding]:
    try:
        check = importlib.import_module(f"vlmrl_ros.nodes.checks.{group}").check
        found: list[Finding] = check(runs) if group == "disk" else check()
        return found
    except Exception as error:  # noqa: BLE001 - a patient that ill is a finding, not a crash of the doctor
        text = f"{type(error).__name__}: {error}"[:300]
        return [failed(group, text, "what this check stands on is broken: see 'packages' and 'ros', or install again")]


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:10} {about}" for name, about in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="doctor",
        description="Looks at this machine and says what to fix.",
        epilog=f"groups:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help="these groups of checks only")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="directory of the runs; default: runs")
    return parser


def _show(report: Report) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title="doctor")
    for column in ("", "check", "found", "to fix"):
        table.add_column(column, overflow="fold")
    for group, found in report.items():
        for finding in found:
            level = Text(finding.level.value, COLOURS[finding.level])
            table.add_row(level, Text(f"{group}: {finding.name}"), Text(finding.found), Text(finding.fix))
    console.print(table)
    bad = failures(report)
    console.print(Text(f"{bad} needed checks failed" if bad else "everything needed works"))


if __name__ == "__main__":
    main()
