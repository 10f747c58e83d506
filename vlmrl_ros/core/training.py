"""From the stream of steps to gradient steps.

Chaining, demonstrations, pace. Pure; the learner node runs it in a worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from vlmrl_ros.core.chain import Chain, DemonstrationSieve
from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, LOOP_FOLDER
from vlmrl_ros.core.episode_log import EpisodeLog, EpisodeRecord
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.rate_limiter import RateLimiter
from vlmrl_ros.core.snapshot import Part, below, json_part
from vlmrl_ros.core.step_rows import ends, read_steps_part, steps_part
from vlmrl_ros.core.types import Step, Transition

Items = Callable[[Transition], Iterable[Any]]
"""From a transition to the items of experience that are complete with it."""


def as_lived(transition: Transition) -> Iterable[Transition]:
    """The transition itself."""
    return (transition,)


class Training:
    """Feeds one learner, step by step, and updates it at its samples-per-insert pace.

    How many updates follow a step depends on the steps alone, not on time; so two runs on the same steps end in the
    same weights.
    """

    def __init__(
        self, learner: Learner[Any], samples_per_insert: float | None, arms: int = 1, items: Items = as_lived
    ) -> None:
        """Begin with no step.

        Args:
            learner: the plug-in.
            samples_per_insert: items drawn for each transition after the learner is ready; None: an update whenever it
                is.
            arms: number of arms; each has a chain and demonstrations of its own, and all fill one memory.
            items: makes what the learner takes.
        """
        self.learner = learner
        self._items = items
        self.log = EpisodeLog(arms)
        self.chains = tuple(Chain(arm) for arm in range(arms))
        self.sieves = tuple(DemonstrationSieve() for _ in range(arms))
        self.arm_steps = [0] * arms
        """Transitions of each arm that were learned from, without demonstrations."""
        self.updates = 0
        self.offline_updates = 0
        """Those of them that were made before the first step."""
        self._limiter = _limiter(samples_per_insert, learner) if samples_per_insert is not None else None
        self.metrics: Mapping[str, float] = {}
        """Of the newest update."""

    @property
    def steps(self) -> int:
        """Transitions learned from, of all arms, without demonstrations."""
        return sum(self.arm_steps)

    @property
    def broken(self) -> int:
        """How often a step was missing within an episode."""
        return sum(chain.broken for chain in self.chains)

    @property
    def demonstrations(self) -> int:
        """Successful demonstrations."""
        return sum(sieve.demonstrations for sieve in self.sieves)

    @property
    def demonstrations_failed(self) -> int:
        """Demonstrations dropped because they did not succeed."""
        return sum(sieve.failed for sieve in self.sieves)

    def digest(self, step: Step, go_on: Callable[[], bool] = lambda: True, arm: int = 0) -> EpisodeRecord | None:
        """Learn from the next step.

        Args:
            step: the next one of its arm.
            go_on: asked before each update; on False the rest stays due for later.
            arm: its number.

        Returns:
            the record of the episode that the step ends, if it does.
        """
        transition = self.chains[arm].append(step)
        if transition is not None:
            for settled in self.sieves[arm].put(transition):
                for item in self._items(settled):
                    self.learner.add(item)
                if not settled.demonstration:
                    self.arm_steps[arm] += 1
                    self._count_insert()
        self._update_when_due(go_on)
        return self.log.append(step, self.steps, arm)

    def pretrain(self) -> None:
        """Make one update from what the learner was given, before the first step; the pace counts from there on.

        The learner must be ready.
        """
        self.metrics = self.learner.update()
        self.updates += 1
        self.offline_updates += 1

    def rehearse(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Count one step that nobody lived, and make the updates that are due with it; ``go_on`` as in :meth:`digest`.

        So a run without a robot learns from what it was given at the pace at which it would learn from new steps.
        """
        self.arm_steps[0] += 1
        self._count_insert()
        self._update_when_due(go_on)

    def snapshot(self) -> dict[str, Part]:
        """Everything that decides how training goes on, as parts of a checkpoint."""
        plain = {
            "updates": self.updates,
            "offline_updates": self.offline_updates,
            "inserts": self._limiter.inserts if self._limiter is not None else 0,
            "samples": self._limiter.samples if self._limiter is not None else 0,
            "metrics": dict(self.metrics),
            "arms": [
                {
                    "steps": steps,
                    "broken": chain.broken,
                    "demonstrations": sieve.demonstrations,
                    "failed": sieve.failed,
                    "held": len(sieve.held),
                }
                for steps, chain, sieve in zip(self.arm_steps, self.chains, self.sieves, strict=True)
            ],
        }
        own = {"training.json": json_part(plain), **self.log.snapshot()}
        for arm, (chain, sieve) in enumerate(zip(self.chains, self.sieves, strict=True)):
            if steps := _open_steps(chain, sieve):
                own[f"open_steps_{arm}.npy"] = steps_part(steps)
        return {**below(LOOP_FOLDER, own), **below(LEARNER_FOLDER, self.learner.snapshot())}

    def restore(self, checkpoint: Path) -> None:
        """Go on from the files of a :meth:`snapshot`; the same steps then lead to the same weights.

        Raises:
            CheckpointError: missing or damaged files, or another learner's, or of another number of arms.
        """
        directory = checkpoint / LOOP_FOLDER
        try:
            plain = json.loads((directory / "training.json").read_text())
            if len(plain["arms"]) != len(self.chains):
                raise ValueError(f"{len(plain['arms'])} arms instead of {len(self.chains)}")
            for arm, counts in enumerate(plain["arms"]):
                self._restore_arm(arm, counts, directory / f"open_steps_{arm}.npy")
            if self._limiter is not None:
                self._limiter.inserts, self._limiter.samples = int(plain["inserts"]), int(plain["samples"])
            self.updates, self.offline_updates = int(plain["updates"]), int(plain["offline_updates"])
            self.metrics = dict(plain["metrics"])
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable state of training in {directory}: {error}") from error
        self.log.restore(directory)
        self.learner.restore(checkpoint / LEARNER_FOLDER)

    def _restore_arm(self, arm: int, counts: Mapping[str, int], rows: Path) -> None:
        chain, sieve = self.chains[arm], self.sieves[arm]
        self.arm_steps[arm] = int(counts["steps"])
        steps = read_steps_part(rows) if rows.exists() else []
        held = pairwise(steps[: int(counts["held"]) + 1])
        sieve.held = [Transition(before, after, arm=arm) for before, after in held]
        sieve.demonstrations, sieve.failed = int(counts["demonstrations"]), int(counts["failed"])
        chain.newest, chain.broken = (steps[-1] if steps else None), int(counts["broken"])

    def _count_insert(self) -> None:
        if self._limiter is not None and self.learner.ready:
            self._limiter.insert()

    def _update_when_due(self, go_on: Callable[[], bool]) -> None:
        draw, limiter = self.learner.samples_per_update, self._limiter
        while self.learner.ready and (limiter is None or limiter.may_sample(draw)) and go_on():
            self.metrics = self.learner.update()
            if limiter is not None:
                limiter.sample(draw)
            self.updates += 1


def _limiter(samples_per_insert: float, learner: Learner[Any]) -> RateLimiter:
    buffer = max(samples_per_insert, float(learner.samples_per_update))
    return RateLimiter(samples_per_insert, min_size_to_sample=1, error_buffer=buffer)


def _open_steps(chain: Chain, sieve: DemonstrationSieve) -> list[Step]:
    """The steps of an arm that later ones need: those of the transitions held, and the newest."""
    return [*ends(sieve.held), *([chain.newest] if chain.newest else [])]
