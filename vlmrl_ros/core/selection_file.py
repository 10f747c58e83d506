"""``selection.json``: a decision that was written down, to be deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmrl_ros.core.candidates import CHECKPOINT, Candidate, find_candidates
from vlmrl_ros.core.errors import CheckpointError, ConfigError, RangeError, ShapeError
from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.mixture import Mixture

FILE = "selection.json"
MAX_TEXT = 64_000_000
"""Longest file that is read, characters."""


@dataclass(frozen=True)
class Selected:
    """What was decided.

    Attributes:
        candidates: by name, those that the mixture may draw; the others may be gone by now.
        mixture: of them.
        policy: what instructions were told to: a checkpoint or a policy plug-in; empty where there were none.
        plain: all that the file says.
    """

    candidates: dict[str, Candidate]
    mixture: Mixture
    policy: str
    plain: dict[str, Any]


def candidates_of(texts: Sequence[str]) -> dict[str, Candidate]:
    """Those that a :data:`FILE` may draw, where its path is the only text; otherwise as :func:`find_candidates`.

    Raises:
        ConfigError, CheckpointError: see :func:`read_selection` and :func:`find_candidates`.
    """
    if len(texts) == 1 and texts[0].endswith(".json"):
        return read_selection(Path(texts[0])).candidates
    return find_candidates(texts)


def read_selection(path: Path) -> Selected:
    """Read a decision.

    Raises:
        ConfigError: there is no such file, or it is damaged.
        CheckpointError: a checkpoint that may be drawn is not there.
    """
    try:
        selected = read_json(path.read_text(encoding="utf-8"), f"a {FILE}", MAX_TEXT, _of_plain)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"selection '{path}' cannot be read: {error}; valid: a {FILE} of select.launch.py") from error
    except (ShapeError, RangeError) as error:
        raise ConfigError(f"selection '{path}' is damaged: {error}") from error
    for name, candidate in selected.candidates.items():
        if candidate.kind == CHECKPOINT and not Path(candidate.what).is_dir():
            raise CheckpointError(f"selection '{path}' draws '{name}', whose checkpoint {candidate.what} is not there")
    return selected


def _of_plain(plain: Any) -> Selected:
    rows = [row for row in plain["candidates"] if row["probability"] != 0]
    candidates = {str(row["name"]): Candidate.of(str(row["candidate"])) for row in rows}
    mixture = Mixture(tuple(str(row["name"]) for row in rows), tuple(float(row["probability"]) for row in rows))
    return Selected(candidates, mixture.checked(), str(plain["policy"]), dict(plain))
