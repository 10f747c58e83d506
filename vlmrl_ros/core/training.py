"""From the stream of steps to gradient steps.

Chaining, demonstrations, pace. Pure; the learner node runs it in a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vlmrl_ros.core.episode_log import EpisodeLog, EpisodeRecord
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.join import Chain, DemonstrationSieve
from vlmrl_ros.core.rate_limiter import RateLimiter
from vlmrl_ros.core.types import Step


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

    def _count_insert(self) -> None:
        if self.learner.ready:
            self._limiter.insert()

    def _update_when_due(self, go_on: Callable[[], bool]) -> None:
        draw = self.learner.samples_per_update
        while self.learner.ready and self._limiter.may_sample(draw) and go_on():
            self.metrics = self.learner.update()
            self._limiter.sample(draw)
            self.updates += 1
