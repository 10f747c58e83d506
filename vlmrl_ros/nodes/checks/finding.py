"""What a check finds."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlmrl_ros.core.errors import VlmrlError


class Level(str, enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Something works less well, or a part that not everybody needs is missing."""
    FAILED = "failed"
    """Something that every run needs does not work."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        level: how bad it is.
        found: what there is, with units.
        fix: what to do; empty where all is well.
    """

    name: str
    level: Level
    found: str
    fix: str = ""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, found)


def warning(name: str, found: str, fix: str) -> Finding:
    """Something could be better."""
    return Finding(name, Level.WARNING, found, fix)


def failed(name: str, found: str, fix: str) -> Finding:
    """Something needed does not work."""
    return Finding(name, Level.FAILED, found, fix)


class ProbeError(VlmrlError):
    """A probe did not come to its end; the message is the last that it said."""


def probe(module: str, timeout_s: float, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Any:
    """Run ``python -m module`` and read the JSON that it writes: what may crash does so in a process of its own.

    Raises:
        ProbeError: it crashed, said something else, or took too long.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise ProbeError(f"no end within {timeout_s:g} s") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ProbeError(said[-1].strip() if said else f"exit status {done.returncode}")
    return json.loads(lines[-1])
