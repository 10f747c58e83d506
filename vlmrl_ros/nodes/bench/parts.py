"""Suites in parts: each can be measured alone, on another day, and put into the file that has the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.nodes.bench.figures import Figures


class InParts(Protocol):
    """A suite in parts; the names of a part's figures begin with its own name and a dot."""

    PARTS: Sequence[str]

    def measure_part(self, part: str, quick: bool, work: Path) -> Figures:
        """The figures of one of ``PARTS``."""


def part_of(suite: object, name: str) -> InParts:
    """The suite, in parts.

    Raises:
        ConfigError: it has no such part.
    """
    valid: Sequence[str] = getattr(suite, "PARTS", ())
    if name not in valid:
        raise ConfigError(f"part '{name}'; valid: {', '.join(valid) or 'none, this suite is measured whole'}")
    return suite  # type: ignore[return-value]


def together(parts: Iterable[Figures]) -> Figures:
    """All figures of the parts and ``ordering_holds``: those of which they speak, ``<part>.ordering_holds``, all do."""
    merged = {name: value for figures in parts for name, value in figures.items()}
    orderings = [value for name, value in merged.items() if name.endswith(".ordering_holds")]
    return {**merged, "ordering_holds": float(bool(orderings) and all(orderings))}


def with_part(before: Figures, suite: InParts, part: str, figures: Figures) -> Figures:
    """Figures of some parts, in which those of one are new; the suite's ``ordering_holds`` is there when all are."""
    others = tuple(f"{other}." for other in suite.PARTS if other != part)
    merged = {name: value for name, value in before.items() if name.startswith(others)} | figures
    is_whole = all(any(name.startswith(other) for name in merged) for other in others)
    return together([merged]) if is_whole else merged


def figures_in(path: Path) -> Figures:
    """The figures of a file; none where there is no such file.

    Raises:
        ConfigError: it is not a flat JSON object of numbers.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"'{path}' is not JSON: {error}") from error
    if not isinstance(found, dict) or not all(type(value) in (int, float) for value in found.values()):
        raise ConfigError(f"'{path}' is not a file of figures: a JSON object of names and numbers")
    return found
