"""Real messages of a loop, kept in a file: topic, type and bytes of each."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message

Recording = dict[str, list[Any]]
"""Messages by relative topic."""


def save(path: Path, recording: Mapping[str, Sequence[Any]]) -> None:
    """Write a recording."""
    rows = {
        topic: [[_type_name(m), base64.b64encode(serialize_message(m)).decode("ascii")] for m in received]
        for topic, received in recording.items()
    }
    path.write_text(json.dumps(rows), encoding="utf-8")


def load(path: Path) -> Recording:
    """Read a recording."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {topic: [_message(*row) for row in received] for topic, received in rows.items()}


def _type_name(message: Any) -> str:
    package = type(message).__module__.partition(".")[0]
    return f"{package}/{type(message).__name__}"


def _message(type_name: str, raw: str) -> Any:
    package, _, name = type_name.partition("/")
    kind = getattr(importlib.import_module(f"{package}.msg"), name)
    return deserialize_message(base64.b64decode(raw), kind)
