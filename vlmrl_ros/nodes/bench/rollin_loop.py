"""A curriculum in one process: task, policy and learner without ROS, any learner plug-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.episode_log import EpisodeRecord
from vlmrl_ros.core.interfaces import ContextualTask
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.bench.alone import step_alone
from vlmrl_ros.policies.curricula.acting import CurriculumPolicy
from vlmrl_ros.policies.curricula.agents import CurriculumLearner
from vlmrl_ros.sim.load import build as build_task

PUBLISH_EVERY = 10
"""Steps of an episode between two versions of the weights, as in the ROS loop."""


@dataclass(frozen=True)
class Setup:
    """What is trained; options are deviations from the defaults.

    Attributes:
        task: name of a task with a context.
        learner: name of the learner plug-in, of both agents.
        task_options: by name.
        learner_options: by name.
        curriculum_options: of ``rollin``, by name.
    """

    task: str
    learner: str
    task_options: Mapping[str, Any] = field(default_factory=dict)
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    curriculum_options: Mapping[str, Any] = field(default_factory=dict)


class CurriculumLoop:
    """Lives through episodes by their plans and learns from them; every step counts, those of roll-ins too."""

    def __init__(self, setup: Setup, seed: int) -> None:
        """Build everything, untrained.

        Raises:
            VlmrlError: an unknown name, a bad option, or a task without a context.
        """
        self.task: ContextualTask = build_task(setup.task, setup.task_options)
        spec = self.task.spec
        curriculum = registry.load("curricula", "rollin")(spec, setup.curriculum_options)
        builder = registry.load("learners", setup.learner)
        options = from_mapping(builder.config_type, setup.learner_options, setup.learner)
        make = partial(builder.build, spec, options)
        pace = options.samples_per_insert
        self.learner = CurriculumLearner(spec, curriculum, make, pace, seed)
        self.training = Training(self.learner, pace)
        self.policy = CurriculumPolicy(spec, partial(registry.load("policies", options.policy), spec, {}))
        self._loop = Episodes(self.task, SafetyFilter(spec.action, spec.control_dt_s), seed)
        self._seed = seed
        self._episode = 0

    def go_on(self) -> None:
        """Go on after :attr:`training` was restored, with the episode after the newest one."""
        newest = self.training.chains[0].newest
        self._episode = newest.feedback.episode + 1 if newest is not None else 0

    def episode(self) -> EpisodeRecord:
        """Live through the next episode."""
        plan = self.learner.plan(self._episode)
        arrival, record = self._loop.go_on(self._stamp_ns(), self._episode, plan), None
        while record is None:
            action = self._act(arrival)
            # at the last step of an episode nothing is carried out
            executed = np.zeros_like(action) if arrival.feedback.last else action
            record = self.training.digest(step_alone(arrival, action, executed))
            if record is None:
                _, arrival = self._loop.advance(arrival, action, Mark.NONE)
        self._episode += 1
        return record

    def _act(self, arrival: Arrival) -> FloatArray:
        """The action at a step, with the weights of the newest version; an episode begins with a new one."""
        feedback = arrival.feedback
        if self.training.updates and feedback.step % PUBLISH_EVERY == 0:
            self.policy.load(self.learner.variables())
        self.policy.follow(feedback.plan, feedback.step)
        rng = stream(self._seed, "policy", feedback.episode, feedback.step)
        if feedback.step == 0:
            self.policy.reset()
        action, _ = self.policy.act(arrival.observation, rng)
        return action

    def _stamp_ns(self) -> int:
        """Stamp of the first step of the next episode, ns: one control step after the newest."""
        newest = self.training.chains[0].newest
        return self._loop.dt_ns + (newest.stamp_ns if newest is not None else 0)
