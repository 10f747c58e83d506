"""The RLPD plug-in, and the learner that every labelling of its data shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.batches import BatchLearner
from vlmrl_ros.policies.learners.labels import Selection, driven_by_person, nobodys, task_reward
from vlmrl_ros.policies.learners.memory import MixedMemory, frames_at_both_ends
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.rlpd.learning import Batch, Rlpd
from vlmrl_ros.policies.learners.rlpd.seeing import SeeingRlpd
from vlmrl_ros.policies.networks.compute import learner_compute


class RlpdLearner(BatchLearner[MixedMemory]):
    """Update and checkpoint around :class:`Rlpd`; the memory, which labels what it is given, is given."""

    def __init__(
        self, name: str, spec: TaskSpec, config: RlpdConfig, memory: MixedMemory, rng: np.random.Generator
    ) -> None:
        """Make an untrained learner.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: options.
            memory: its labels are all the learner knows of what is good.
            rng: seeds weights, noise and draws.

        Raises:
            ConfigError: more target critics than critics.
        """
        if config.target_critics > config.critics:
            raise ConfigError(f"target_critics is {config.target_critics}; valid: 1 to {config.critics} (critics)")
        super().__init__(memory, config.critic_updates, config.batch_size, rng)
        self._config = config
        self._rlpd = (SeeingRlpd if spec.cameras else Rlpd)(spec, config, rng)
        self._tensor = self._drawn.to(self._rlpd.device)
        self._block = Batch(**self._memory.layout.split(self._tensor))
        self._keep(name, self._rlpd.tensors(), {"noise": self._rlpd.generator})

    def add(self, item: Transition) -> None:
        """Keep one transition."""
        self._memory.add(item)

    @property
    def ready(self) -> bool:
        """The policy's own steps are enough for a first batch."""
        return len(self._memory.parts["online"]) >= self._config.min_steps

    def update(self) -> Mapping[str, float]:
        """``critic_updates`` steps of the critics and one of the actor, on the newest of their batches."""
        drawn = [self._memory.sample(rows, self._rng) for rows in self._rows]
        with learner_compute():
            self._tensor.copy_(self._drawn)  # on the CPU they are one
            if isinstance(self._rlpd, SeeingRlpd):
                frames = [frames_at_both_ends(each, self._rlpd.device) for each in drawn]
                metrics = self._rlpd.learn(self._block, frames)
            else:
                metrics = self._rlpd.update(self._block)
        return self._count(metrics)

    def variables(self) -> Variables:
        """The actor's weights and their moving average, and the encoder's where there is one."""
        return self._rlpd.variables()


def prior_of(config: RlpdConfig) -> Selection:
    """Which transitions are set apart as a person's."""
    return driven_by_person if config.buffers == "symmetric" else nobodys


class Builder:
    """Entry point of the learner plug-in ``rlpd``."""

    config_type = RlpdConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: RlpdConfig, rng: np.random.Generator) -> RlpdLearner:
        """Learn from the task's reward."""
        memory = MixedMemory(spec, config.capacity, task_reward, prior_of(config))
        return RlpdLearner("rlpd", spec, config, memory, rng)
