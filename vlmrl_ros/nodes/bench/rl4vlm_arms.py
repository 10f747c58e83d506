"""The arms of the suite ``rl4vlm``: what one model goes through after it was built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.kto import KtoConfig, UtteranceKto
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo

Learn = Callable[[Sequence[Sequence[Turn]]], Mapping[str, float]]
"""Learns from the turns of environments side by side, and says how it went."""


@dataclass(frozen=True)
class Arm:
    """What one model goes through."""

    thoughts: bool = True
    weight: float | None = None
    """Lambda of the reinforcement learning after supervised fine-tuning; None: there is none."""
    takeovers: bool = False
    """Learns from takeovers, and from no task reward."""
    updates: int = 0
    """Others than the setup's."""

    @property
    def name(self) -> str:
        """For files: what it learns last, and its options."""
        options = (self.thoughts, self.weight or 0.0, self.takeovers, self.updates)
        return "_".join([self._kind, *(f"{value:g}" for value in options)])

    def learner(self, model: Any, processor: Any, seed: int, updates: int) -> tuple[float, Learn]:
        """The temperature at which it plays, and what learns from that, in so many updates."""
        assert self.weight is not None
        config = PpoConfig(thought_weight=self.weight, updates=updates)
        return config.temperature, UtterancePpo(model, processor, np.random.default_rng(seed), config).update

    @property
    def _kind(self) -> str:
        return "sft" if self.weight is None else "rl"


@dataclass(frozen=True)
class PreferenceArm(Arm):
    """Takes takeovers for preference data instead of reward."""

    kto: KtoConfig = field(default_factory=KtoConfig)

    def learner(self, model: Any, processor: Any, seed: int, updates: int) -> tuple[float, Learn]:
        """Learns from all turns so far."""
        assert self.weight is not None
        config = replace(self.kto, thought_weight=self.weight, updates=updates)
        kto = UtteranceKto(model, processor, np.random.default_rng(seed), config)

        def learn(streams: Sequence[Sequence[Turn]]) -> Mapping[str, float]:
            kto.add(turn for stream in streams for turn in stream)
            return kto.update()

        return config.temperature, learn

    @property
    def _kind(self) -> str:
        return "kto"


ARMS: Mapping[str, Arm] = {
    "sft": Arm(),
    "rl0": Arm(weight=0.0),
    "rl0_3": Arm(weight=0.3),
    "rl1": Arm(weight=1.0),
    "plain_sft": Arm(thoughts=False),
    "plain_rl": Arm(thoughts=False, weight=0.3),
    "takeovers": Arm(weight=0.3, takeovers=True),
}
PREFERENCES = PreferenceArm(weight=0.3, takeovers=True)
"""The same takeovers, of NumberLine alone."""
