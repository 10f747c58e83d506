"""The plug-in ``vlm_ppo``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.learners.turns.learner import TurnLearner
from vlmrl_ros.policies.learners.vlm_ppo.config import VlmPpoConfig
from vlmrl_ros.policies.vlm.optimiser import Optimiser
from vlmrl_ros.policies.vlm.ppo import UtterancePpo


class VlmPpo(TurnLearner):
    """Learns from turns that its newest weights have said, each once."""

    def __init__(self, spec: TextTaskSpec, config: VlmPpoConfig, rng: np.random.Generator) -> None:
        """Load the model.

        Raises:
            ConfigError, CheckpointError: see :class:`TurnLearner`.
        """
        super().__init__("vlm_ppo", spec, config, rng)
        self.samples_per_update = config.turns_per_update
        self._ppo = UtterancePpo(self.model, self.processor, rng, config)
        self._streams: dict[int, list[Turn]] = defaultdict(list)

    @property
    def ready(self) -> bool:
        """``turns_per_update`` turns have come."""
        return sum(map(len, self._streams.values())) >= self.samples_per_update

    def _keep(self, turn: Turn) -> None:
        self._streams[turn.arm].append(turn)

    def _learn(self) -> Mapping[str, float]:
        streams = list(self._streams.values())
        self._streams.clear()
        return self._ppo.update(streams)

    @property
    def _optimiser(self) -> Optimiser:
        return self._ppo.descent.optimiser

    def _changing(self) -> dict[str, Tensor]:
        value = {f"value/{name}": weight for name, weight in self._ppo.value.named_parameters()}
        return super()._changing() | value

    def _resume(self, updates: int) -> None:
        self._streams.clear()
        self._ppo.descent.updates = updates


class Builder:
    """Entry point of the learner plug-in ``vlm_ppo``."""

    config_type = VlmPpoConfig
    experience = Turn

    @staticmethod
    def build(spec: TextTaskSpec, config: VlmPpoConfig, rng: np.random.Generator) -> VlmPpo:
        """Train a model by reward, the task's or that of takeovers: a turn carries the one that is meant."""
        return VlmPpo(spec, config, rng)
