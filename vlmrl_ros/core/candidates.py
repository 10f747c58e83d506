"""Checkpoints that are to be chosen among: where they lie, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vlmrl_ros.core.checkpoint import CHECKPOINT_FILE, POLICY_FILE, checkpoints_in, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError

_CHECKPOINTS = "checkpoints"


def find_candidates(paths: Iterable[str]) -> dict[str, Path]:
    """Name every checkpoint of some directories; whether it is whole is not looked at.

    Args:
        paths: checkpoints, folders of them, or run directories.

    Returns:
        name to directory, in the order given and oldest first: ``step_<n>``, with the name of its run before it where
        several runs have the step.

    Raises:
        ConfigError: a path where nothing is or that holds no checkpoint, or fewer than two checkpoints.
    """
    found = list(dict.fromkeys(path for text in paths for path in _below(text)))
    twice = Counter(path.name for path in found)
    names = [path.name if twice[path.name] == 1 else f"{_run_of(path)}/{path.name}" for path in found]
    if len(found) < 2:
        raise ConfigError(f"{len(found)} candidate(s) {names} to choose from; valid: 2 or more")
    if len(set(names)) < len(names):
        again = next(name for name, count in Counter(names).items() if count > 1)
        raise ConfigError(f"two candidates are called '{again}'; give their run directories different names")
    return dict(zip(names, found, strict=True))


def first_readable(candidates: Mapping[str, Path]) -> dict[str, Any]:
    """What the first checkpoint says of itself that can be read.

    Raises:
        CheckpointError: none can.
    """
    wrong = []
    for checkpoint in candidates.values():
        try:
            return read_checkpoint(checkpoint, below=POLICY_FILE)
        except CheckpointError as error:
            wrong.append(str(error))
    raise CheckpointError(f"no candidate can be loaded: {'; '.join(wrong)}")


def _below(text: str) -> list[Path]:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise ConfigError(f"candidates names '{text}', which is no directory; valid: checkpoints, or folders of them")
    if (path / CHECKPOINT_FILE).exists() or path in checkpoints_in(path.parent):
        return [path]  # also where it has lost its description
    checkpoints = checkpoints_in(path) or checkpoints_in(path / _CHECKPOINTS)
    if not checkpoints:
        raise ConfigError(f"candidates names '{text}', where there is no checkpoint (step_<n>)")
    return checkpoints


def _run_of(path: Path) -> str:
    parent = path.parent
    return parent.parent.name if parent.name == _CHECKPOINTS else parent.name
