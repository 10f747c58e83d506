"""Main policy and explorer's policy as one that acts by the plan of the episode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vlmrl_ros.core.episode_plan import EpisodePlan, Role
from vlmrl_ros.core.interfaces import Policy, Variables
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
        self._role = Role.MAIN

    def follow(self, plan: EpisodePlan | None, step: int) -> Role:
        """Say how the episode goes and which step of it comes next; returns who acts there. Unplanned: the main agent.

        Whoever says so at each step needs not to have seen the episode begin.
        """
        self._plan = plan
        self._role = plan.role(step) if plan is not None else Role.MAIN
        return self._role

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action, by whoever acts at the step that was said."""
        if self._role is Role.EXPLORER:
            return self._policies["explorer"].act(observation, rng)
        if self._role is Role.ROLL_IN and self._plan is not None and self._column >= 0:
            state = state_of(observation).copy()
            state[self._column] = self._plan.roll_in_context
            observation = {**observation, "state": state}
        return self._policies["main"].act(observation, rng)

    def reset(self) -> None:
        """Both begin an episode."""
        for policy in self._policies.values():
            policy.reset()

    def load(self, variables: Variables) -> None:
        """Take the weights of both.

        Raises:
            CheckpointError: they do not fit.
        """
        explorer = {name[len(EXPLORER) :]: value for name, value in variables.items() if name.startswith(EXPLORER)}
        self._policies["explorer"].load(explorer)
        self._policies["main"].load({n: value for n, value in variables.items() if not n.startswith(EXPLORER)})
