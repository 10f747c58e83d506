"""The checkpoints of a run: taken at once, written and thinned out while learning goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.checkpoint import POLICY_FILE, Stored, checkpoints_in, newest_whole, remove_partial
from vlmrl_ros.core.checkpoint_writer import CheckpointWriter, Outcome
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.snapshot import Content, Part, Snapshot
from vlmrl_ros.nodes.problems import Problems
from vlmrl_ros.nodes.published import published_parts

PROBLEM = "checkpoint"
"""The place of what is wrong with them."""


@contextmanager
def taking_up(checkpoint: Path) -> Iterator[None]:
    """Within, a run takes what it goes on with from what a checkpoint says of itself.

    Raises:
        CheckpointError: something is not there, or is not of its kind.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"checkpoint '{checkpoint}' lacks what a run goes on with: {error}") from error


class Checkpoints:
    """Those of one run, in its thread."""

    def __init__(self, folder: Path, keep: int, place: Callable[[], tuple[int, ...]], problems: Problems) -> None:
        """Name the folder; :meth:`open` begins to write.

        Args:
            folder: where they are.
            keep: how many of the newest stay.
            place: how far the run is; another one where a checkpoint would be another.
            problems: where it is said that one could not be written.
        """
        self._folder, self._keep, self._place, self._problems = folder, keep, place, problems
        self._asked_at: tuple[int, ...] = ()
        self.newest: Stored | None = None
        """The newest one on disk that this run wrote, or goes on from."""

    def find(self, say: Callable[[str], None]) -> tuple[Stored, dict[str, Any]] | None:
        """The newest whole one, which the run goes on from, and what it says of itself; None where there is none."""
        found = newest_whole(self._folder, say)
        if found is not None:
            self.newest = found[0]
        return found

    def clean(self) -> None:
        """Remove what was not written to its end."""
        remove_partial(self._folder)

    def open(self) -> None:
        """Begin to write, on from :attr:`newest`."""
        self._writer = CheckpointWriter(self._folder, self.newest)

    @property
    def due(self) -> bool:
        """The run has gone on since the last one was taken, or that one could not be written."""
        return self._asked_at != self._place()

    def settle(self) -> None:
        """None is due where the run is now."""
        self._asked_at = self._place()

    def take(
        self, number: int, unit: str, parts: Callable[[], Snapshot], about: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Take one, unless those before it are still on their way to the disk.

        Args:
            number: of the checkpoint.
            unit: what it counts.
            parts: its contents.
            about: what it says of itself besides; no part of its hash.
        """
        if self._writer.full:
            text = f"no checkpoint of {unit} {number}: the disk is busy with those before it"
            self._problems.set(PROBLEM, text)
            return
        self.settle()
        self._writer.submit(number, parts(), about())

    def collect(self, wait: bool = False) -> list[Outcome]:
        """What has become of those that were taken."""
        outcomes = self._writer.collect(wait)
        for outcome in outcomes:
            self._problems.set(PROBLEM, outcome.error)
            if outcome.stored is None:
                self._asked_at = ()  # the next one is due at the end, if not before
            else:
                self.newest = outcome.stored
        return outcomes

    def thin(self, needed: Set[str] = frozenset()) -> None:
        """Remove all but the newest and those that are needed, by name."""
        newest = checkpoints_in(self._folder)[-self._keep :]
        self._writer.keep(frozenset({path.name for path in newest} | needed))

    def close(self) -> None:
        """Stop writing; what was taken has been written."""
        self._writer.close()

    @property
    def problem(self) -> str:
        """Why the last one could not be written; empty if it could."""
        return self._problems.at(PROBLEM)


def policy_parts(learner: Learner[Any], published: Weights | None) -> dict[str, Part]:
    """Parts of a checkpoint: the policy as it is, and as it was published last."""

    def copy() -> Content:
        variables = dict(learner.variables())  # copies
        return lambda: [save(variables)]

    return {POLICY_FILE: Part(copy), **published_parts(published)}
