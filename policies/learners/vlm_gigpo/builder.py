"""The plug-in ``vlm_gigpo``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.learners.turns.learner import TurnLearner
from vlmrl_ros.policies.learners.vlm_gigpo.config import VlmGigpoConfig
from vlmrl_ros.policies.vlm.gigpo import UtteranceGigpo
from vlmrl_ros.policies.vlm.optimiser import Optimiser


class VlmGigpo(TurnLearner):
    """Learns from whole episodes that its newest weights have lived, each once.

    Episodes whose first turns have equal anchors are a group. What is open, or alone, when an update is made was said
    by weights that are old then, and is left out.
    """

    def __init__(self, spec: TextTaskSpec, config: VlmGigpoConfig, rng: np.random.Generator) -> None:
        """Load the model.

        Raises:
            ConfigError, CheckpointError: see :class:`TurnLearner`.
        """
        super().__init__("vlm_gigpo", spec, config, rng)
        self.samples_per_update = config.group_size * config.groups_per_update
        self._size, self._groups = config.group_size, config.groups_per_update
        self._gigpo = UtteranceGigpo(self.model, self.processor, rng, config)
        self._forget()

    @property
    def ready(self) -> bool:
        """``groups_per_update`` groups of ``group_size`` episodes have come."""
        return len(self._whole()) >= self._groups

    def _keep(self, turn: Turn) -> None:
        if turn.anchor is None:
            raise ConfigError("a turn has no anchor: the task says of no state which others equal it")
        episode = self._open[turn.arm]
        episode.append(turn)
        if turn.last:
            self._ended[episode[0].anchor].append(episode)
            del self._open[turn.arm]

    def _learn(self) -> Mapping[str, float]:
        groups = self._whole()
        self._forget()
        return self._gigpo.update(groups)

    def _whole(self) -> list[list[list[Turn]]]:
        return [episodes for episodes in self._ended.values() if len(episodes) >= self._size]

    def _forget(self) -> None:
        self._open: dict[int, list[Turn]] = defaultdict(list)
        self._ended: dict[Hashable, list[list[Turn]]] = defaultdict(list)

    @property
    def _optimiser(self) -> Optimiser:
        return self._gigpo.descent.optimiser

    def _resume(self, updates: int) -> None:
        self._forget()
        self._gigpo.descent.updates = updates


class Builder:
    """Entry point of the learner plug-in ``vlm_gigpo``."""

    config_type = VlmGigpoConfig
    experience = Turn

    @staticmethod
    def build(spec: TextTaskSpec, config: VlmGigpoConfig, rng: np.random.Generator) -> VlmGigpo:
        """Train a model by what is better than others from the same start."""
        return VlmGigpo(spec, config, rng)
