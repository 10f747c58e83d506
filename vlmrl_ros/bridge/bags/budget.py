"""How much room bags may take, and which give way: the oldest episodes, but none that a checkpoint still needs."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from vlmrl_ros.bridge.bags.layout import episodes, is_closed, size_of
from vlmrl_ros.bridge.bags.reader import last_time

NEEDED = 2
"""The newest checkpoints whose later steps are kept: a run resumes from the last, or from the one before."""


@dataclass(frozen=True)
class Budget:
    """Limits of a directory of bags; 0 is no limit.

    Attributes:
        max_bytes: of all episodes.
        max_age_s: since an episode was written, s.
    """

    max_bytes: int = 0
    max_age_s: float = 0.0

    @property
    def limited(self) -> bool:
        """There is a limit."""
        return self.max_bytes > 0 or self.max_age_s > 0


NO_LIMIT = Budget()


def prune(directory: Path, budget: Budget, now_s: float | None = None) -> list[Path]:
    """Remove the oldest closed episodes until the rest keeps to the budget.

    Args:
        directory: of episodes; it may lie in a run directory, whose checkpoints are then looked at.
        budget: what to keep to.
        now_s: time since the epoch, for the age.

    Returns:
        the folders removed. When what is needed exceeds the budget, it stays.
    """
    if not budget.limited:
        return []
    now_s = time.time() if now_s is None else now_s
    closed = [folder for folder in episodes(directory) if is_closed(folder)]
    total = sum(size_of(folder) for folder in closed)
    needed_ns = needed_since(directory)
    removed = []
    for folder in closed:
        size = size_of(folder)
        too_large = budget.max_bytes > 0 and total > budget.max_bytes
        too_old = budget.max_age_s > 0 and now_s - folder.stat().st_mtime > budget.max_age_s
        if not (too_large or too_old) or (needed_ns is not None and last_time(folder) > needed_ns):
            break
        shutil.rmtree(folder)
        total -= size
        removed.append(folder)
    return removed


def needed_since(directory: Path) -> int | None:
    """The stamp after which a run needs its steps, ns: -1 for all of them, None where no learner runs."""
    run = next((parent for parent in directory.resolve().parents if (parent / "checkpoints").is_dir()), None)
    if run is None:
        return None
    stamps = sorted(stamp for path in run.glob("checkpoints/step_*/checkpoint.json") if (stamp := _stamp(path)) >= 0)
    return stamps[-NEEDED] if len(stamps) >= NEEDED else -1


def _stamp(path: Path) -> int:
    """The stamp of the last step that a checkpoint has seen; -1 where it does not say."""
    try:
        return int(json.loads(path.read_text(encoding="utf-8")).get("stamp_ns", -1))
    except (OSError, ValueError, TypeError):
        return -1
