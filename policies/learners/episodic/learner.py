"""Memory, update and checkpoint around the update of an offline-to-online method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.learners.episodic.actor_critic import ActorCritic, Batch
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.episodic.memory import EpisodicMemory
from vlmrl_ros.policies.learners.variables import ACTING_ALONE, policy_variables
from vlmrl_ros.policies.networks.compute import keep_freed_memory, learner_compute


class EpisodicLearner:
    """Learns from ended episodes, those given before the run and those lived; the method is given."""

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
        keep_freed_memory()
        self.evaluation_options = ACTING_ALONE
        self.samples_per_update = config.batch_size * config.critic_updates
        self._config = config
        self._memory = EpisodicMemory(spec, config)
        self._drawn = torch.empty(config.critic_updates, config.batch_size, self._memory.layout.width)
        self._rows = self._drawn.numpy()  # aligned by torch: products can depend on it to the last bit
        self._rng = np.random.default_rng(rng.integers(2**62))
        self._method = method
        self._updates = 0
        self._state = LearnerState(name, method.tensors(), {"noise": method.generator}, self._rng)

    def add(self, item: Transition) -> None:
        """Keep one transition; it is learned from when its episode has ended."""
        self._memory.add(item)

    @property
    def ready(self) -> bool:
        """There are enough transitions of ended episodes."""
        return len(self._memory) >= self._config.min_steps

    def update(self) -> Mapping[str, float]:
        """``critic_updates`` steps of the critics and one of the actor, on the newest of their batches."""
        for rows in self._rows:
            self._memory.sample(rows, self._rng)
        with learner_compute():
            block = Batch(**self._memory.layout.split(self._drawn.to(self._method.device)))
            metrics = self._method.update(block, self._memory.online)
        self._updates += 1
        return {name: float(value) for name, value in metrics.items()} | {"updates": float(self._updates)}

    def variables(self) -> Variables:
        """The actor's weights and their moving average."""
        return policy_variables(self._method.actor, self._method.actor_ema)

    def snapshot(self) -> dict[str, Part]:
        """Networks, optimisers, generators, counters, replay and open episodes."""
        return {**self._state.snapshot(self._updates), **self._memory.snapshot()}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; training then continues to the same bit.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        self._memory.restore(directory)
        self._updates = self._state.restore(directory)
