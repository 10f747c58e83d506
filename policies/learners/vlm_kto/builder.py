"""The plug-in ``vlm_kto``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.learners.turns.learner import TurnLearner
from vlmrl_ros.policies.learners.vlm_kto.config import VlmKtoConfig
from vlmrl_ros.policies.vlm.judged import judged_part, read_judged_part
from vlmrl_ros.policies.vlm.kto import UtteranceKto
from vlmrl_ros.policies.vlm.optimiser import Optimiser

_JUDGED = "judged.safetensors"


class VlmKto(TurnLearner):
    """Learns from all turns so far, by whether a person took over; what came of them besides does not count."""

    def __init__(self, spec: TextTaskSpec, config: VlmKtoConfig, rng: np.random.Generator) -> None:
        """Load the model; its reference is what it begins with.

        Raises:
            ConfigError, CheckpointError: see :class:`TurnLearner`.
        """
        super().__init__("vlm_kto", spec, config, rng)
        self.samples_per_update = config.steps_per_update * config.minibatch
        self._least = config.min_turns
        self._kto = UtteranceKto(self.model, self.processor, rng, config)

    @property
    def ready(self) -> bool:
        """``min_turns`` turns have come, among them one that was taken over from and one that was not."""
        counts = self._kto.counts
        return sum(counts) >= self._least and min(counts) > 0

    def snapshot(self) -> dict[str, Part]:
        """Weights, optimiser, draws, and the utterances. The reference is what the same options begin with."""
        return {**super().snapshot(), _JUDGED: judged_part(self._kto.judged)}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing, damaged, of another learner or another model.
        """
        super().restore(directory)
        self._kto.judged = read_judged_part(directory / _JUDGED, self.processor)

    def _keep(self, turn: Turn) -> None:
        self._kto.add([turn])

    def _learn(self) -> Mapping[str, float]:
        return self._kto.update()

    @property
    def _optimiser(self) -> Optimiser:
        return self._kto.descent.optimiser

    def _resume(self, updates: int) -> None:
        self._kto.descent.updates = updates


class Builder:
    """Entry point of the learner plug-in ``vlm_kto``."""

    config_type = VlmKtoConfig
    experience = Turn

    @staticmethod
    def build(spec: TextTaskSpec, config: VlmKtoConfig, rng: np.random.Generator) -> VlmKto:
        """Train a model by what a person let pass and what they did not."""
        return VlmKto(spec, config, rng)
