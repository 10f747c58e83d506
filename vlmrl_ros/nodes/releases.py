"""The versions of a learner's weights: the newest, and when the next one of an arm's learner is due."""

from __future__ import annotations

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.training import Training
from vlmrl_ros.nodes.experience import Experience


class Versions:
    """Numbers weights from 1 on.

    Attributes:
        newest: what the policy should have; None before the first.
    """

    def __init__(self) -> None:
        """Begin without a version."""
        self.newest: Weights | None = None

    @property
    def version(self) -> int:
        """Number of the newest; 0 before the first."""
        return self.newest.version if self.newest else 0

    def add(self, variables: Variables, step: int) -> Weights:
        """Make weights, which have seen so many learning steps, the next version."""
        self.newest = Weights(variables, self.version + 1, step)
        return self.newest


class Releases(Versions):
    """Takes copies of the weights of an arm's learner for the policy."""

    def __init__(self, training: Training, experience: Experience, on_policy: bool, every: int) -> None:
        """Begin without a version.

        Args:
            training: whose learner's weights they are.
            experience: is told of each version.
            on_policy: a version for each update.
            every: else, steps between two versions; the first comes with the first update.
        """
        super().__init__()
        self._training = training
        self._experience = experience
        self._on_policy = on_policy
        self._every = every
        self._updates = 0

    def due(self, before: int, steps: int) -> bool:
        """Whether the next version is, now that so many steps are done and so many were before."""
        if self._on_policy:
            return self._training.updates > self._updates
        return self._training.updates > 0 and (self.version == 0 or steps // self._every > before // self._every)

    def take(self) -> Weights:
        """Make the learner's weights the next version."""
        training = self._training
        self._updates = training.updates
        weights = self.add(training.learner.variables(), training.steps)
        self._experience.published(self.version)
        return weights

    def go_on(self, newest: Weights | None) -> None:
        """Take up the versions of an earlier part of the run."""
        self._updates = self._training.updates
        self.newest = newest
        self._experience.published(self.version)
