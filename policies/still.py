"""A policy that does nothing: for recording a person's demonstrations, and to see what a task does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation


@dataclass(frozen=True)
class StillConfig:
    """It has no options."""


class StillPolicy:
    """Proposes what is nearest to zero: no motion, where actions are velocities."""

    def __init__(self, spec: TaskSpec) -> None:
        """Find the action."""
        self.options: Mapping[str, Any] = {}
        self._still = np.clip(np.zeros(spec.action.size, np.float32), spec.action.low, spec.action.high)

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """The same at each step, float32 (A,), and no further information."""
        return self._still.copy(), {}

    def reset(self) -> None:
        """Remember nothing, as ever."""

    def load(self, variables: Variables) -> None:
        """Refuse.

        Raises:
            CheckpointError: always: there is nothing to load.
        """
        raise CheckpointError(f"policy 'still' has no weights; got {', '.join(sorted(variables)) or 'none'}")


def build(spec: TaskSpec, config: Mapping[str, Any]) -> StillPolicy:
    """Entry point of the policy plug-in ``still``.

    Raises:
        UnknownNameError: any option: it has none.
    """
    from_mapping(StillConfig, config, "policy")
    return StillPolicy(spec)
