"""Who acts while one learns: the checkpoints so far are arms, training episodes their trials, TRUST chooses."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.policies.learners.bandit.evidence import evidence_of
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import trust


class Explorers:
    """Hands the choice of the checkpoint that acts in the next episode to TRUST.

    A new checkpoint acts in one episode, and again as often as the mixture draws it. What was tried often is the
    reference, so nothing that is untried takes the place of what is known by luck.
    """

    def __init__(self, config: TrustConfig, rng: np.random.Generator) -> None:
        """Begin without checkpoints.

        Args:
            config: options of TRUST; one ``sigma`` for all.
            rng: draws the noise of TRUST and the candidates.
        """
        self._config, self._rng = config, rng
        self.returns: list[list[float]] = []
        """Of each checkpoint's episodes."""

    def add(self) -> int:
        """Take another checkpoint; returns its number, from 0."""
        self.returns.append([])
        return len(self.returns) - 1

    def record(self, arm: int, task_return: float) -> None:
        """An episode in which a checkpoint acted has ended."""
        self.returns[arm].append(task_return)

    def choose(self) -> int:
        """The checkpoint that acts next: one that is untried, or one drawn from TRUST's mixture."""
        for arm, of_arm in enumerate(self.returns):
            if not of_arm:
                return arm
        if len(self.returns) == 1:
            return 0
        counts = np.array([len(of_arm) for of_arm in self.returns], np.int64)
        means = np.array([np.mean(of_arm) for of_arm in self.returns])
        mixture = trust(evidence_of(means, counts, np.asarray(self._config.sigma)), self._config, self._rng).mixture
        return int(self._rng.choice(len(mixture), p=mixture / mixture.sum()))
