"""Main policy and explorer's policy as one that acts by the plan of the episode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vlmrl_ros.core.interfaces import EpisodePlan, Policy, Role, Variables
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation, state_of
from vlmrl_ros.policies.curricula.agents import EXPLORER


class CurriculumPolicy:
    """Acts by the main agent, for the stage before by the main agent in that stage's context, or by the explorer."""

    def __init__(self, spec: TaskSpec, make: Callable[[], Policy]) -> None:
        """Make both policies, without weights.

        Args:
            spec: of the task.
            make: builds the policy plug-in.
        """
        self._policies = {"main": make(), "explorer": make()}
        self.options: Mapping[str, Any] = self._policies["main"].options
        component = spec.context.component if spec.context is not None else ""
        self._column = spec.observation.names.index(component) if component else -1
        self._plan: EpisodePlan | None = None
        self._step = 0

    def begin(self, plan: EpisodePlan) -> None:
        """An episode begins."""
        self._plan, self._step = plan, 0

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action, by whoever acts at this step of the plan."""
        plan = self._plan
        role = plan.role(self._step) if plan is not None else Role.MAIN
        self._step += 1
        if role is Role.EXPLORER:
            return self._policies["explorer"].act(observation, rng)
        if plan is not None and role is Role.ROLL_IN and self._column >= 0:
            state = state_of(observation).copy()
            state[self._column] = plan.roll_in_context
            observation = {**observation, "state": state}
        return self._policies["main"].act(observation, rng)

    def load(self, variables: Variables) -> None:
        """Take the weights of both.

        Raises:
            CheckpointError: they do not fit.
        """
        explorer = {name[len(EXPLORER) :]: value for name, value in variables.items() if name.startswith(EXPLORER)}
        self._policies["explorer"].load(explorer)
        self._policies["main"].load({n: value for n, value in variables.items() if not n.startswith(EXPLORER)})
