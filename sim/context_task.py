"""What small tasks in numpy share: the count of steps, success, and a context that a curriculum may change.

They cost microseconds a step, so they show what a learner does where an arm would take hours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import dm_env
import numpy as np

from vlmrl_ros.core.config import to_mapping
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation


class ContextTask(ABC):
    """Behind the protocol :class:`~vlmrl_ros.core.interfaces.ContextualTask`.

    Nothing terminates an episode, reaching the goal neither: a roll-in must be able to pass the goal of the stage
    before.
    """

    def __init__(self, spec: TaskSpec, config: Any) -> None:
        """Begin with the full task.

        Args:
            spec: with a context.
            config: the task's configuration.
        """
        assert spec.context is not None
        self.spec = spec
        self.options = to_mapping(config)
        self._context_spec = spec.context
        self._context = spec.context.full
        self._horizon = spec.horizon
        self._step = 0
        self._success = False

    @abstractmethod
    def _begin(self, rng: np.random.Generator) -> None:
        """Put everything where an episode begins."""

    @abstractmethod
    def _move(self, action: FloatArray) -> float:
        """One control step; ``action`` float32 (A,) within the bounds. Returns the reward."""

    @abstractmethod
    def _look(self) -> list[float]:
        """The state, in the order and units of the spec."""

    @abstractmethod
    def _done(self) -> bool:
        """The task counts as done at this step."""

    @abstractmethod
    def scene(self) -> dict[str, float]:
        """What a person sees, by name, SI units."""

    @property
    def success(self) -> bool:
        """The task was done at some step of the episode."""
        return self._success

    def set_context(self, value: float, extra_steps: int = 0) -> None:
        """See :meth:`~vlmrl_ros.core.interfaces.ContextualTask.set_context`."""
        self._context = self._context_spec.check(value)
        self._horizon = self.spec.horizon + extra_steps

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode in the context that was set last."""
        self._step, self._success = 0, False
        self._begin(rng)
        return dm_env.restart(self._observe())

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Apply float32 (A,), clipped to the bounds.

        Raises:
            ShapeError: wrong dimension.
            NonFiniteError: NaN or infinite.
        """
        bounds = self.spec.action
        reward = self._move(np.clip(bounds.check(action, "action"), bounds.low, bounds.high))
        self._step += 1
        self._success = self._success or self._done()
        end = dm_env.truncation if self._step >= self._horizon else dm_env.transition
        return end(reward, self._observe())

    def joints(self) -> dict[str, float]:
        """There are none."""
        return {}

    def tip(self) -> None:  # noqa: B027 - right as it is for every task of this kind
        """There is none."""

    def close(self) -> None:  # noqa: B027
        """Nothing is held."""

    def _observe(self) -> Observation:
        spec = self.spec.observation
        return {"state": np.clip(np.array(self._look(), np.float32), spec.low, spec.high)}
