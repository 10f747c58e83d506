"""The behaviour cloning plug-in, and the learner that it shares with HG-DAgger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.replay import Replay
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.batches import BatchLearner
from vlmrl_ros.policies.learners.bc.config import BcConfig
from vlmrl_ros.policies.learners.bc.learning import Cloning
from vlmrl_ros.policies.learners.labels import Target, demonstrated_action
from vlmrl_ros.policies.learners.memory import frame_pair, frames_at, transition_columns, transition_values
from vlmrl_ros.policies.networks.compute import learner_compute


class CloningLearner(BatchLearner[Replay]):
    """Memory, update and checkpoint around :class:`Cloning`; what is cloned is given."""

    imitates: ClassVar[bool] = True

    def __init__(self, name: str, spec: TaskSpec, config: BcConfig, target: Target, rng: np.random.Generator) -> None:
        """Make an untrained learner.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: options.
            target: which action is cloned; transitions without one are dropped.
            rng: seeds weights and draws.
        """
        replay = Replay(transition_columns(spec), config.capacity, spec.cameras)
        super().__init__(replay, config.updates, config.batch_size, rng)
        self._spec = spec
        self._config = config
        self._target = target
        self._cloning = Cloning(spec, config, rng)
        self._keep(name, self._cloning.tensors(), {"noise": self._cloning.generator})

    def add(self, item: Transition) -> None:
        """Keep one transition if it is to be cloned."""
        action = self._target(item)
        if action is not None:
            values = transition_values(self._spec, item, 0.0, action)
            self._memory.add(values, frame_pair(item) if self._spec.cameras else None)

    @property
    def ready(self) -> bool:
        """There are enough of a person's steps."""
        return len(self._memory) >= self._config.min_steps

    def update(self) -> Mapping[str, float]:
        """``updates`` gradient steps."""
        with learner_compute():
            for rows, drawn in zip(self._rows, self._drawn, strict=True):
                slots = self._memory.draw(len(rows), self._rng)
                self._memory.rows(slots, out=rows)
                columns = self._memory.layout.split(drawn.to(self._cloning.device))
                frames = frames_at([(self._memory, slots)], after=False, device=self._cloning.device)
                metrics = self._cloning.update(columns["state"], columns["action"], frames)
        return self._count(metrics)

    def variables(self) -> Variables:
        """The actor's weights and their moving average, and the encoder's where there is one."""
        return self._cloning.variables()


class Builder:
    """Entry point of the learner plug-in ``bc``."""

    config_type = BcConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: BcConfig, rng: np.random.Generator) -> CloningLearner:
        """Clone the demonstrations."""
        return CloningLearner("bc", spec, config, demonstrated_action, rng)
