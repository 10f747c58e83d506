"""Runs a simulated task episode after episode.

Numbering, stamps, marks, limits. The bridge and the in-process loop share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.interfaces import ContextualTask, Task
from vlmrl_ros.core.safety import Applied, SafetyFilter
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback, Mark, Observation


@dataclass(frozen=True)
class Arrival:
    """What the bridge publishes of one step.

    Stamp, observation, feedback, the scene that a person sees, joint positions in rad.
    """

    stamp_ns: int
    observation: Observation
    feedback: Feedback
    scene: Mapping[str, float]
    joints: Mapping[str, float]


class Episodes:
    """Steps a task.

    Simulated time goes up by one control step with each arrival and never goes back, not even on reset.
    """

    def __init__(self, task: Task, safety: SafetyFilter, seed: int, alike: int = 1) -> None:
        """Nothing moves yet; :meth:`begin` starts the first episode.

        Args:
            task: the simulation.
            safety: applied last, to every command.
            seed: episode n draws all its randomness from (seed, n), so it does not depend on the episodes before.
            alike: so many episodes after one another draw the same.
        """
        self._alike = alike
        self._task = task
        self._safety = safety
        self._seed = seed
        self._dt_ns = round(task.spec.control_dt_s * 1e9)
        self._arrivals = 0
        self._episode = -1
        self._step = 0
        self._plan: EpisodePlan | None = None
        self._still = np.zeros(task.spec.action.size, np.float32)
        self.weights_version = 0
        """Newest weights version known; goes into the next feedback."""

    @property
    def dt_ns(self) -> int:
        """Length of a control step, ns."""
        return self._dt_ns

    def with_version(self, arrival: Arrival) -> Arrival:
        """The arrival with the newest weights version in its feedback."""
        if arrival.feedback.weights_version == self.weights_version:
            return arrival
        return replace(arrival, feedback=replace(arrival.feedback, weights_version=self.weights_version))

    def go_on(self, stamp_ns: int, episode: int, plan: EpisodePlan | None = None) -> Arrival:
        """Begin an episode of a run that others have seen a part of.

        Args:
            stamp_ns: of the first step, ns; a multiple of the control step.
            episode: its number.
            plan: as in :meth:`begin`.
        """
        self._arrivals = stamp_ns // self._dt_ns - 1
        self._episode = episode - 1
        return self.begin(plan)

    def begin(self, plan: EpisodePlan | None = None) -> Arrival:
        """Reset the task and arrive at the first step of the next episode.

        Args:
            plan: how it goes, where a curriculum says so; one that the task can follow. Its steps bear it.
        """
        self._episode += 1
        self._step = 0
        self._plan = plan
        if plan is not None:
            cast(ContextualTask, self._task).set_context(plan.context, plan.extra_steps)
        self._safety.restart()
        timestep = self._task.reset(stream(self._seed, "task", self._episode // self._alike))
        return self._arrive(timestep.observation, reward=0.0, terminated=False, truncated=False, success=False)

    def advance(
        self, arrival: Arrival, command: FloatArray | None, mark: Mark, now_s: float = 0.0
    ) -> tuple[Applied, Arrival]:
        """Apply the command that answers an arrival and arrive at the next step.

        The last step of an episode is answered like any other; then nothing moves and the next episode begins. Where a
        curriculum has to plan it first, :meth:`rest` and :meth:`begin` take the place of this.

        Args:
            arrival: where the task is now.
            command: float32 (A,), units of the spec; None means that nobody commands: the arm is held still.
            mark: what the operator says of the episode.
            now_s: steady clock, s; only a dead-man needs it.

        Returns:
            what was really applied, and the next arrival.
        """
        if arrival.feedback.last:
            return self.rest(), self.begin()
        wanted = self._still if command is None else command
        applied = self._safety.apply(wanted, tip=self._task.tip(), now_s=now_s)
        timestep = self._task.step(applied.action)
        self._step += 1
        marked_success, marked_failure = mark is Mark.SUCCESS, mark is Mark.FAILURE
        terminated = timestep.last() and timestep.discount == 0.0
        return applied, self._arrive(
            timestep.observation,
            reward=float(timestep.reward or 0.0),
            terminated=terminated or marked_success or marked_failure,
            truncated=(timestep.last() and not terminated) or mark is Mark.RESET,
            success=(self._task.success or marked_success) and not marked_failure,
        )

    def rest(self) -> Applied:
        """What is applied at the last step of an episode: nothing."""
        return self._safety.still()

    def _arrive(
        self, observation: Observation, *, reward: float, terminated: bool, truncated: bool, success: bool
    ) -> Arrival:
        """Number and stamp what was arrived at."""
        self._arrivals += 1
        feedback = Feedback(
            reward=reward,
            terminated=terminated,
            truncated=truncated and not terminated,
            success=success,
            episode=self._episode,
            step=self._step,
            weights_version=self.weights_version,
            plan=self._plan,
        )
        return Arrival(self._arrivals * self._dt_ns, observation, feedback, self._task.scene(), self._task.joints())
