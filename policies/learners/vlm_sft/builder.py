"""The plug-in ``vlm_sft``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.learners.turns.learner import TurnLearner
from vlmrl_ros.policies.learners.vlm_sft.config import VlmSftConfig
from vlmrl_ros.policies.vlm.optimiser import Optimiser
from vlmrl_ros.policies.vlm.sft import Example, Tuner


class VlmSft(TurnLearner):
    """Learns from turns like demonstrations: from those that name an action and are not punished."""

    def __init__(self, spec: TextTaskSpec, config: VlmSftConfig, rng: np.random.Generator) -> None:
        """Load the model.

        Raises:
            ConfigError, CheckpointError: see :class:`TurnLearner`.
        """
        super().__init__("vlm_sft", spec, config, rng)
        self.samples_per_update = config.steps_per_update * config.minibatch
        self._steps, self._least = config.steps_per_update, config.min_turns
        self._tuner = Tuner(self.model, self.processor, rng, config)

    @property
    def ready(self) -> bool:
        """``min_turns`` turns have come."""
        return len(self._tuner) >= self._least

    def _keep(self, turn: Turn) -> None:
        if turn.said.valid and turn.reward >= 0:
            self._tuner.add([Example(turn.observation, turn.utterance.text)])

    def _learn(self) -> Mapping[str, float]:
        rate = self._tuner.learning_rate
        loss = float(np.mean([self._tuner.step() for _ in range(self._steps)]))
        return {"loss": loss, "learning_rate": rate}

    @property
    def _optimiser(self) -> Optimiser:
        return self._tuner.optimiser

    def _resume(self, updates: int) -> None:
        self._tuner.steps = updates * self._steps


class Builder:
    """Entry point of the learner plug-in ``vlm_sft``."""

    config_type = VlmSftConfig
    experience = Turn

    @staticmethod
    def build(spec: TextTaskSpec, config: VlmSftConfig, rng: np.random.Generator) -> VlmSft:
        """Train a model on what was shown."""
        return VlmSft(spec, config, rng)
