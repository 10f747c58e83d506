"""Results of runs that were made before, so that a suite goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from vlmrl_ros.core.run_directory import write_whole

Result = dict[str, Any]


def remembered(file: Path, about: Mapping[str, Any], make: Callable[[], Result]) -> Result:
    """The result on disk, if it is of the same settings; else a new one."""
    plain = json.loads(json.dumps(about))
    if file.exists():
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored.get("settings") == plain:
            result: Result = stored["result"]
            return result
    result = make()
    write_whole(file, json.dumps({"settings": plain, "result": result}) + "\n")
    return result


def with_defaults(stored: Mapping[str, Any], kind: type[Any]) -> Result:
    """Settings as they were written down, by name; what had no name yet then was as it is by default.

    Args:
        stored: fields of a dataclass.
        kind: that dataclass, as it is now.
    """
    made = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(kind)}
    return {name: value for name, value in made.items() if value is not MISSING} | dict(stored)
