"""The learner's share of a curriculum: it makes one learner of two agents and says how each episode goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np
from std_msgs.msg import String

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core import registry
from vlmrl_ros.core.episode_plan import Announcement
from vlmrl_ros.core.interfaces import Builder, Learner
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step
from vlmrl_ros.policies.curricula.agents import CurriculumLearner

PLAN_TOPIC = "curriculum/plan"


def with_curriculum(
    name: str,
    given: Mapping[str, Any],
    spec: TaskSpec,
    builder: type[Builder],
    options: Any,
    seed: int,
    rings: Callable[[], AbstractContextManager[None]],
) -> CurriculumLearner:
    """Make main agent and explorer of one learner plug-in.

    Args:
        name: of the curriculum plug-in.
        given: its options that differ from the defaults.
        spec: of the task.
        builder: of the learner plug-in.
        options: of the learner plug-in, an instance of its ``config_type``.
        seed: of everything.
        rings: in its context each agent is made, explorers of later stages too.

    Raises:
        VlmrlError: an unknown name or option, a bad value, or a task without a context.
    """

    def make(rng: np.random.Generator) -> Learner:
        with rings():
            return builder.build(spec, options, rng)

    curriculum = registry.load("curricula", name)(spec, given)
    return CurriculumLearner(spec, curriculum, make, options.samples_per_insert, seed)


class Announcer:
    """Tells the bridge of the next episode when there is nothing left to learn from the one before."""

    def __init__(self, shell: Shell[Any], learner: CurriculumLearner) -> None:
        """Say nothing yet.

        Args:
            shell: the learner's node.
            learner: plans the episodes.
        """
        self._publisher = shell.publisher(String, PLAN_TOPIC, qos.LATCHED)
        self._next = partial(next_plan, learner)
        self._began = False

    def report(self, newest: Step | None, stamp_ns: int) -> None:
        """A step was learned from or given up; called by the worker, for publishing is thread-safe.

        Args:
            newest: the newest step that was learned from.
            stamp_ns: of the step in question, ns; at first that of the newest, or 0.
        """
        announcement = self._next(newest, stamp_ns, first=not self._began)
        self._began = True
        if announcement is not None:
            self._publisher.publish(String(data=announcement.to_json()))


def next_plan(learner: CurriculumLearner, newest: Step | None, stamp_ns: int, first: bool) -> Announcement | None:
    """What is to be said after a step, if anything.

    A step that was given up may have been the last of its episode: then nobody else would say how the next one goes. At
    first somebody may wait who takes the place of another and begins an episode, whatever became of the one before.

    Args:
        learner: plans the episodes.
        newest: the newest step that was learned from.
        stamp_ns: of the step in question, ns.
        first: nothing was said before by this process.
    """
    ended = newest is None or newest.feedback.last or newest.stamp_ns != stamp_ns
    if not (first or ended):
        return None
    episode = newest.feedback.episode + 1 if newest is not None else 0
    return Announcement(stamp_ns, episode, learner.plan(episode))
