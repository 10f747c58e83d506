"""The behaviour cloning plug-in, and the learner that it shares with HG-DAgger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.replay import Replay
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.bc.config import BcConfig
from vlmrl_ros.policies.learners.bc.learning import Cloning
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.learners.labels import Target, demonstrated_action
from vlmrl_ros.policies.learners.memory import frame_pair, transition_columns, transition_values
from vlmrl_ros.policies.learners.variables import ACTING_ALONE, policy_variables
from vlmrl_ros.policies.networks.compute import keep_freed_memory, learner_compute


class CloningLearner:
    """Memory, update and checkpoint around :class:`Cloning`; what is cloned is given."""

    def __init__(self, name: str, spec: TaskSpec, config: BcConfig, target: Target, rng: np.random.Generator) -> None:
        """Make an untrained learner.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: options.
            target: which action is cloned; transitions without one are dropped.
            rng: seeds weights and draws.
        """
        keep_freed_memory()
        self.evaluation_options = ACTING_ALONE
        self.samples_per_update = config.batch_size * config.updates
        self._spec = spec
        self._config = config
        self._target = target
        self._replay = Replay(transition_columns(spec), config.capacity, spec.cameras)
        self._tensor = torch.empty(config.batch_size, self._replay.layout.width)
        self._rows = self._tensor.numpy()  # aligned by torch: products can depend on it to the last bit
        self._rng = np.random.default_rng(rng.integers(2**62))
        self._cloning = Cloning(spec, config, rng)
        self._updates = 0
        self._state = LearnerState(name, self._cloning.tensors(), {}, self._rng)

    def add(self, item: Transition) -> None:
        """Keep one transition if it is to be cloned."""
        action = self._target(item)
        if action is not None:
            values = transition_values(self._spec, item, 0.0, action)
            self._replay.add(values, frame_pair(item) if self._spec.cameras else None)

    @property
    def ready(self) -> bool:
        """There are enough of a person's steps."""
        return len(self._replay) >= self._config.min_steps

    def update(self) -> Mapping[str, float]:
        """``updates`` gradient steps."""
        with learner_compute():
            for _ in range(self._config.updates):
                self._replay.rows(self._replay.draw(len(self._rows), self._rng), out=self._rows)
                columns = self._replay.layout.split(self._tensor.to(self._cloning.device))
                metrics = self._cloning.update(columns["state"], columns["action"])
        self._updates += 1
        return {name: float(value) for name, value in metrics.items()} | {"updates": float(self._updates)}

    def variables(self) -> Variables:
        """The actor's weights and their moving average."""
        return policy_variables(self._cloning.actor, self._cloning.actor_ema)

    def snapshot(self) -> dict[str, Part]:
        """Network, optimiser, generator, counters and replay."""
        return {**self._state.snapshot(self._updates), **self._replay.snapshot()}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; training then continues to the same bit.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        self._replay.restore(directory)
        self._updates = self._state.restore(directory)


class Builder:
    """Entry point of the learner plug-in ``bc``."""

    config_type = BcConfig

    @staticmethod
    def build(spec: TaskSpec, config: BcConfig, rng: np.random.Generator) -> CloningLearner:
        """Clone the demonstrations."""
        return CloningLearner("bc", spec, config, demonstrated_action, rng)
