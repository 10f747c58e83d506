"""Memory, update and checkpoint around the update of an offline-to-online method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.batches import BatchLearner
from vlmrl_ros.policies.learners.episodic.actor_critic import ActorCritic, Batch
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.episodic.memory import EpisodicMemory
from vlmrl_ros.policies.learners.memory import frames_at_both_ends
from vlmrl_ros.policies.networks.compute import learner_compute


class EpisodicLearner(BatchLearner[EpisodicMemory]):
    """Learns from ended episodes, those given before the run and those lived; the method is given."""

    learns_from_failures: ClassVar[bool] = True

    def __init__(
        self, name: str, spec: TaskSpec, config: EpisodicConfig, method: ActorCritic, rng: np.random.Generator
    ) -> None:
        """Make an untrained learner.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: options.
            method: the networks and their update.
            rng: seeds the draws.
        """
        super().__init__(EpisodicMemory(spec, config), config.critic_updates, config.batch_size, rng)
        self._config = config
        self._method = method
        self._keep(name, method.tensors(), {"noise": method.generator})

    def add(self, item: Transition) -> None:
        """Keep one transition; it is learned from when its episode has ended."""
        self._memory.add(item)

    @property
    def ready(self) -> bool:
        """There are enough transitions of ended episodes."""
        return len(self._memory) >= self._config.min_steps

    def update(self) -> Mapping[str, float]:
        """``critic_updates`` steps of the critics and one of the actor, on the newest of their batches."""
        drawn = [self._memory.sample(rows, self._rng) for rows in self._rows]
        with learner_compute():
            block = Batch(**self._memory.layout.split(self._drawn.to(self._method.device)))
            frames = [frames_at_both_ends(each, self._method.device) for each in drawn]
            metrics = self._method.learn(block, frames, self._memory.online)
        return self._count(metrics)

    def variables(self) -> Variables:
        """The actor's weights and their moving average, and the encoder's where there is one."""
        return self._method.variables()
