"""A trained policy that stands for a person: takes over as it judges, at random or never, and hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.core.interfaces import Glance, Intent
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Observation, state_of
from vlmrl_ros.policies.reference import Reference


@dataclass(frozen=True)
class ExpertConfig:
    """Habits of an expert. Source: Luo et al., RLIF (ICLR 2024), the simulated interventions."""

    trigger: str = option(
        "judged",
        "judged: when the policy's action is judged wrong; random: at a rate; never",
        choices=("judged", "random", "never"),
    )
    takeover_rate: float = option(
        0.1, "chance of a takeover at a policy step, with trigger random", unit="1", low=0.0, high=1.0
    )
    hold_steps: int = option(4, "control steps of a takeover", low=1)
    advises: bool = option(False, "say at every step what they would do, as DAgger needs")


class Expert:
    """Behind the protocol :class:`~vlmrl_ros.core.interfaces.Operator`. In its scene is the state, see :func:`seen`."""

    def __init__(self, checkpoint: Path, spec: TaskSpec, config: ExpertConfig) -> None:
        """Read the policy; arguments and errors as of :class:`~vlmrl_ros.policies.reference.Reference`.

        Args:
            checkpoint: of the policy that drives.
            spec: of the task.
            config: when it takes over.
        """
        self._spec = spec
        self._config = config
        self.options = to_mapping(config)
        self._reference = Reference(checkpoint, spec)
        self.reset(np.random.default_rng(0), demonstrate=False)

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode; the takeovers at random come from ``rng``."""
        self._rng = rng
        self._demonstrate = demonstrate
        self._hold = 0

    def intent(self, glance: Glance) -> Intent:
        """Hold control for so many steps where the trigger says so, and throughout a demonstration."""
        takeover = self._demonstrate or self._wants_control(glance)
        if not (takeover or self._config.advises):
            return Intent(False, np.zeros(self._spec.action.size, np.float32))
        state = np.array([glance.scene[name] for name in self._spec.observation.names], np.float32)
        return Intent(takeover, self._reference.action({"state": state}), advises=not takeover)

    def _wants_control(self, glance: Glance) -> bool:
        if self._hold == 0 and self._is_triggered(glance):
            self._hold = self._config.hold_steps
        held = self._hold > 0
        self._hold -= held
        return held

    def _is_triggered(self, glance: Glance) -> bool:
        if glance.step == 0 or glance.intervening:
            return False  # there is no step of the policy to take over from
        if self._config.trigger == "random":
            return bool(self._rng.random() < self._config.takeover_rate)
        return self._config.trigger == "judged" and glance.wrong


def seen(spec: TaskSpec, observation: Observation) -> Mapping[str, float]:
    """The state by name, SI units: what an expert sees of a scene."""
    return dict(zip(spec.observation.names, state_of(observation).tolist(), strict=True))
