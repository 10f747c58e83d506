"""What is to be chosen among: checkpoints, instructions and skills, and what each is called."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import CHECKPOINT_FILE, POLICY_FILE, checkpoints_in, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.spec import MAX_NAME

CHECKPOINT, INSTRUCTION, SKILL = "checkpoint", "instruction", "skill"
_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Candidate:
    """One that may act in an episode.

    Attributes:
        kind: :data:`CHECKPOINT`, :data:`INSTRUCTION` or :data:`SKILL`.
        what: directory of a checkpoint, absolute; sentence that a policy which thinks is told; words that are carried
            out, see :mod:`vlmrl_ros.policies.skill`.
    """

    kind: str
    what: str

    @property
    def text(self) -> str:
        """As it stands among parameters and in files; :func:`find_candidates` reads it."""
        return self.what if self.kind == CHECKPOINT else f"{self.kind}:{self.what}"

    @staticmethod
    def of(text: str) -> Candidate:
        """Read :attr:`text`; where a checkpoint lies is not looked at."""
        kind, colon, what = text.partition(":")
        if colon and kind in (INSTRUCTION, SKILL):
            return Candidate(kind, " ".join(what.split()))
        return Candidate(CHECKPOINT, text)


def find_candidates(texts: Iterable[str]) -> dict[str, Candidate]:
    """Name every candidate; whether a checkpoint is whole is not looked at.

    Args:
        texts: checkpoints, folders of them, run directories, ``instruction:<sentence>`` or ``skill:<words>``.

    Returns:
        name to candidate, in the order given and checkpoints oldest first: ``step_<n>``, with the name of its run
        before it where several runs have the step; or the sentence, or the words.

    Raises:
        ConfigError: a path where nothing is or that holds no checkpoint, a checkpoint of a text task, a sentence that
            is empty or too long for a name, or fewer than two candidates.
    """
    found = list(dict.fromkeys(one for text in texts for one in _read(text)))
    twice = Counter(map(_short_name, found))
    names = [_short_name(one) if twice[_short_name(one)] == 1 else _long_name(one) for one in found]
    if len(found) < 2:
        what = f"only one candidate, '{names[0]}'," if names else "no candidates"
        raise ConfigError(f"{what} to choose from; give 2 or more by candidates:=, instructions:= and skills:=")
    if len(set(names)) < len(names):
        again = next(name for name, count in Counter(names).items() if count > 1)
        raise ConfigError(f"two candidates are called '{again}'; give their run directories different names")
    return dict(zip(names, found, strict=True))


def first_readable(candidates: Mapping[str, Candidate]) -> dict[str, Any]:
    """What the first checkpoint among candidates says of itself that can be read; nothing where there is none.

    Raises:
        CheckpointError: there are checkpoints, and none can be read.
    """
    wrong = []
    for candidate in candidates.values():
        if candidate.kind != CHECKPOINT:
            continue
        try:
            return read_checkpoint(Path(candidate.what), below=POLICY_FILE)
        except CheckpointError as error:
            wrong.append(str(error))
    if wrong:
        raise CheckpointError(f"no candidate can be loaded: {'; '.join(wrong)}")
    return {}


def _read(text: str) -> list[Candidate]:
    candidate = Candidate.of(text)
    if candidate.kind == CHECKPOINT:
        return [_acting(path) for path in _below(text)]
    if not 1 <= len(candidate.what) <= MAX_NAME:
        raise ConfigError(
            f"candidate '{candidate.kind}:{candidate.what[:MAX_NAME]}' has {len(candidate.what)} characters; valid: 1"
            f" to {MAX_NAME}"
        )
    return [candidate]


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


def _acting(path: Path) -> Candidate:
    """A checkpoint, unless it says that its policy drives no arm."""
    try:
        policy = json.loads((path / CHECKPOINT_FILE).read_text(encoding="utf-8"))["policy"]
    except (OSError, ValueError, KeyError, TypeError):
        policy = ""  # it is found to be damaged when it is loaded, and has failed its trials
    if policy in registry.names("text_policies"):
        raise ConfigError(
            f"candidate '{path}' has the policy '{policy}', which plays text tasks and drives no arm; valid:"
            f" {', '.join(registry.names('policies'))}"
        )
    return Candidate(CHECKPOINT, str(path))


def _short_name(candidate: Candidate) -> str:
    return Path(candidate.what).name if candidate.kind == CHECKPOINT else candidate.what


def _long_name(candidate: Candidate) -> str:
    if candidate.kind != CHECKPOINT:
        return candidate.what
    path = Path(candidate.what)
    run = path.parent.parent.name if path.parent.name == _CHECKPOINTS else path.parent.name
    return f"{run}/{path.name}"
