"""From the stream of steps to gradient steps.

Chaining, demonstrations, pace. Pure; the learner node runs it in a worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, LOOP_FOLDER
from vlmrl_ros.core.episode_log import EpisodeLog, EpisodeRecord
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.join import Chain, DemonstrationSieve
from vlmrl_ros.core.rate_limiter import RateLimiter
from vlmrl_ros.core.snapshot import Part, below, json_part, npy
from vlmrl_ros.core.step_rows import from_rows, to_rows
from vlmrl_ros.core.types import Step, Transition


class Training:
    """Feeds one learner, step by step, and updates it at its samples-per-insert pace.

    How many updates follow a step depends on the steps alone, not on time; so two runs on the same steps end in the
    same weights.
    """

    def __init__(self, learner: Learner, samples_per_insert: float) -> None:
        """Begin with no step.

        Args:
            learner: the plug-in.
            samples_per_insert: transitions drawn for each one inserted after the learner is ready.
        """
        self.learner = learner
        self.log = EpisodeLog()
        self.chain = Chain()
        self.sieve = DemonstrationSieve()
        self.steps = 0
        """Transitions learned from, without demonstrations."""
        self.updates = 0
        buffer = max(samples_per_insert, float(learner.samples_per_update))
        self._limiter = RateLimiter(samples_per_insert, min_size_to_sample=1, error_buffer=buffer)
        self.metrics: Mapping[str, float] = {}
        """Of the newest update."""

    def digest(self, step: Step, go_on: Callable[[], bool] = lambda: True) -> EpisodeRecord | None:
        """Learn from the next step.

        Args:
            step: the next one.
            go_on: asked before each update; on False the rest stays due for later.

        Returns:
            the record of the episode that the step ends, if it does.
        """
        transition = self.chain.append(step)
        if transition is not None:
            for settled in self.sieve.put(transition):
                self.learner.add(settled)
                if not settled.demonstration:
                    self.steps += 1
                    self._count_insert()
        self._update_when_due(go_on)
        return self.log.append(step, self.steps)

    def snapshot(self) -> dict[str, Part]:
        """Everything that decides how training goes on, as parts of a checkpoint."""
        held, newest = self.sieve.held, self.chain.newest
        steps = [*(t.before for t in held), *(t.after for t in held[-1:]), *([newest] if newest else [])]
        plain = {
            "steps": self.steps,
            "updates": self.updates,
            "inserts": self._limiter.inserts,
            "samples": self._limiter.samples,
            "broken": self.chain.broken,
            "demonstrations": self.sieve.demonstrations,
            "failed": self.sieve.failed,
            "held": len(held),
            "metrics": dict(self.metrics),
        }
        own = {"training.json": json_part(plain), **self.log.snapshot()}
        if steps:  # records that never change, so the writer may compose the rows
            own["open_steps.npy"] = Part(lambda: lambda: npy(to_rows(steps)))
        return {**below(LOOP_FOLDER, own), **below(LEARNER_FOLDER, self.learner.snapshot())}

    def restore(self, checkpoint: Path) -> None:
        """Go on from the files of a :meth:`snapshot`; the same steps then lead to the same weights.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        directory = checkpoint / LOOP_FOLDER
        try:
            plain = json.loads((directory / "training.json").read_text())
            rows = directory / "open_steps.npy"
            steps = from_rows(np.load(rows, allow_pickle=False)) if rows.exists() else []
            held = [Transition(before, after) for before, after in pairwise(steps[: plain["held"] + 1])]
            self._limiter.inserts, self._limiter.samples = int(plain["inserts"]), int(plain["samples"])
            self.sieve.demonstrations, self.sieve.failed = int(plain["demonstrations"]), int(plain["failed"])
            self.steps, self.updates, self.chain.broken = (int(plain[n]) for n in ("steps", "updates", "broken"))
            self.metrics = dict(plain["metrics"])
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable state of training in {directory}: {error}") from error
        self.sieve.held = held
        self.chain.newest = steps[-1] if steps else None
        self.log.restore(directory)
        self.learner.restore(checkpoint / LEARNER_FOLDER)

    def _count_insert(self) -> None:
        if self.learner.ready:
            self._limiter.insert()

    def _update_when_due(self, go_on: Callable[[], bool]) -> None:
        draw = self.learner.samples_per_update
        while self.learner.ready and self._limiter.may_sample(draw) and go_on():
            self.metrics = self.learner.update()
            self._limiter.sample(draw)
            self.updates += 1
