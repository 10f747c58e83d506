"""Everything by which a learning run goes on another day: what its checkpoints hold, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlmrl_ros.core.preload import Preloaded
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.training import Training
from vlmrl_ros.nodes.checkpoints import policy_parts, taking_up
from vlmrl_ros.nodes.experience import Experience
from vlmrl_ros.nodes.plan import Plan
from vlmrl_ros.nodes.published import read_published
from vlmrl_ros.nodes.releases import Releases
from vlmrl_ros.nodes.stopwatch import Stopwatch
from vlmrl_ros.nodes.theory import theory_of


class RunState:
    """The parts of a run that a checkpoint keeps.

    Attributes:
        training: the learner, and how far it is with the steps.
        releases: the versions of its weights.
        theory: watches the steps; None where the learner knows no discount.
        given: what the learner was given before its first step.
        wall: time of the run.
        learning: time since the first step that was learned from.
    """

    def __init__(self, plan: Plan, spec: TaskSpec, training: Training, experience: Experience) -> None:
        """Begin with nothing learned.

        Raises:
            CheckpointError: the plan's reference is of another task.
        """
        self._plan, self._spec, self._experience = plan, spec, experience
        self.training = training
        self.releases = Releases(training, experience, plan.samples_per_insert is None, plan.publish_every)
        self.theory = theory_of(plan, spec)
        self.given = Preloaded()
        self.wall, self.learning = Stopwatch(), Stopwatch()

    @property
    def newest_ns(self) -> tuple[int, ...]:
        """Stamp of the newest step of each arm that was learned from, ns; -1 where there is none."""
        newest = (chain.newest for chain in self.training.chains)
        return tuple(step.stamp_ns if step is not None else -1 for step in newest)

    def place(self) -> tuple[int, ...]:
        """How far the run is: another one after each step, also after one that nobody lives."""
        return (*self.newest_ns, self.training.steps)

    def parts(self) -> dict[str, Part]:
        """What a checkpoint holds."""
        return {**policy_parts(self.training.learner, self.releases.newest), **self.training.snapshot()}

    def about(self) -> dict[str, Any]:
        """What a checkpoint says of itself besides; no part of its hash."""
        return {
            "task": self._spec.task,
            "task_spec": self._spec.to_json(),
            "observation": self._plan.eval_task_options.get("observation", ""),
            "learner": self._plan.learner,
            "policy": self._plan.policy,
            "policy_options": {**self._experience.policy_options, **self.training.learner.evaluation_options},
            "version": self.releases.version,
            "updates": self.training.updates,
            "given": asdict(self.given),
            "counts": dict(self._experience.counts()),
            "theory": self.theory.state() if self.theory is not None else None,
            "stamp_ns": min(self.newest_ns),
            "wall_s": self.wall.seconds,
            "learning_s": self.learning.seconds,
        }

    def restore(self, checkpoint: Path, about: Mapping[str, Any]) -> None:
        """Go on from :meth:`parts` and :meth:`about` as a checkpoint holds them.

        Raises:
            CheckpointError: it is whole but does not fit.
        """
        self.training.restore(checkpoint)
        with taking_up(checkpoint):
            self.given = Preloaded(**about.get("given", {}))
            self.wall.resume(float(about["wall_s"]))
            self.learning.resume(float(about["learning_s"]))
            if self.theory is not None:
                self.theory.resume(about["theory"])
        self.releases.go_on(read_published(checkpoint))
