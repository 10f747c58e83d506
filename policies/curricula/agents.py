"""Main agent and explorer as one learner: any learner plug-in takes part in a curriculum, and its checkpoints hold it.

After Li et al. (ICML 2023), practical version, as far as it is known here; see ``docs/curriculum.md``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.episode_plan import EpisodePlan, Role
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.interfaces import Curriculum, Learner, Variables
from vlmrl_ros.core.rate_limiter import RateLimiter
from vlmrl_ros.core.snapshot import Part, below, json_part
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback, Transition, state_of
from vlmrl_ros.policies.curricula.visitation import Visitation

EXPLORER = "explorer/"
"""Prefix of the explorer's weights; the main agent's have none, so that they can be judged as those of any learner."""
_MAIN, _EXPLORER, _PLAIN = "main", "explorer", "curriculum.json"


class CurriculumLearner:
    """Fulfils the protocol of a learner with two instances of one plug-in.

    The main agent learns from every step, whoever acted, with the reward of the context of its episode. The explorer
    learns from its own steps at its own pace, and is made anew, temperature and replay included, at each stage. Where
    they imitate, it learns from a person's steps in its part of an episode as well, and until these are enough the
    main agent acts in its place. How an episode went its steps say themselves: what was planned and never lived, or
    lived twice, does no harm.
    """

    def __init__(
        self,
        spec: TaskSpec,
        curriculum: Curriculum,
        make: Callable[[np.random.Generator], Learner],
        samples_per_insert: float,
        seed: int,
    ) -> None:
        """Make both agents, untrained.

        Args:
            spec: of the task.
            curriculum: the plug-in, at its beginning.
            make: builds one agent; all its randomness comes from the argument. Where agents imitate a person, their
                attribute ``imitates`` says so.
            samples_per_insert: pace of the explorer: transitions drawn for each one of its own.
            seed: of both agents and of the plans.
        """
        self.curriculum = curriculum
        self._spec = spec
        self._make = make
        self._samples_per_insert = samples_per_insert
        self._seed = seed
        self.main = make(stream(seed, "learner"))
        self._imitates = getattr(self.main, "imitates", False)
        self._renew()
        self.samples_per_update = self.main.samples_per_update
        self.evaluation_options = self.main.evaluation_options
        self.learns_from_failures = getattr(self.main, "learns_from_failures", False)
        self._visitation = _visitation(spec, curriculum)
        self._helped = -1
        self.switch: dict[str, float] = {}
        """Visitation at the newest switch, see :meth:`Visitation.end_stage`."""

    def plan(self, episode: int) -> EpisodePlan:
        """How an episode is to go if it begins at this stage; the same however often it is asked for."""
        return self.curriculum.plan(stream(self._seed, "curriculum", episode))

    def add(self, item: Transition) -> None:
        """Keep one transition: for the main agent always, for the explorer where it acted."""
        self.main.add(item)
        feedback = item.before.feedback
        plan = feedback.plan
        if plan is None or item.arm < 0 or plan.context != self.curriculum.contexts[self.curriculum.stage]:
            return  # nobody planned it, or another run or stage did
        if item.human:
            self._helped = feedback.episode
        if plan.role(feedback.step) is Role.EXPLORER:
            self._explore(item)
        elif not (plan.rolled_in or item.human):
            state = self._spec.observation.normalise(state_of(item.before.observation))
            self._visitation.visit(state, feedback.step)
        if item.after.feedback.last and not (plan.rolled_in or item.demonstration):
            self._judge(item.after.feedback)

    @property
    def ready(self) -> bool:
        """The main agent is."""
        return self.main.ready

    def update(self) -> Mapping[str, float]:
        """One round of the main agent, and those of the explorer that are due."""
        metrics = self.main.update()
        draw = self.explorer.samples_per_update
        while self.explorer.ready and self._limiter.may_sample(draw):
            self.explorer.update()
            self._limiter.sample(draw)
        return {**metrics, **self._progress()}

    def variables(self) -> Variables:
        """The main agent's weights, and under :data:`EXPLORER` those that act for the explorer."""
        main = self.main.variables()
        acts = main if self._imitates and not self.explorer.ready else self.explorer.variables()
        return {**main, **{f"{EXPLORER}{name}": value for name, value in acts.items()}}

    def snapshot(self) -> dict[str, Part]:
        """Both agents, the curriculum, and the visits."""
        plain = {
            "curriculum": dict(self.curriculum.state()),
            "helped": self._helped,
            "inserts": self._limiter.inserts,
            "samples": self._limiter.samples,
            "visitation": self._visitation.state(),
            "switch": self.switch,
        }
        agents = below(_MAIN, self.main.snapshot()) | below(_EXPLORER, self.explorer.snapshot())
        return {**agents, _PLAIN: json_part(plain)}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; training then continues to the same bit.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        try:
            plain: dict[str, Any] = json.loads((directory / _PLAIN).read_text())
            self.curriculum.resume(plain["curriculum"])
            self._helped = int(plain["helped"])
            self._visitation.resume(plain["visitation"])
            self.switch = dict(plain["switch"])
            self._renew()
            self._limiter.inserts, self._limiter.samples = int(plain["inserts"]), int(plain["samples"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable state of a curriculum in {directory}: {error}") from error
        self.main.restore(directory / _MAIN)
        self.explorer.restore(directory / _EXPLORER)

    def _explore(self, item: Transition) -> None:
        """Take a step of the explorer's part of an episode; a person's are no exploration, but can be imitated."""
        if item.human and not self._imitates:
            return
        self.explorer.add(item)
        if self.explorer.ready:
            self._limiter.insert()

    def _judge(self, end: Feedback) -> None:
        """Take the success of a plain episode; one in which a person had to help counts as none."""
        self._visitation.end_episode()
        if self.curriculum.record(float(end.success and self._helped != end.episode)):
            self.switch = self._visitation.end_stage()
            self._renew()

    def _renew(self) -> None:
        """A fresh explorer for this stage."""
        self.explorer = self._make(stream(self._seed, "explorer", self.curriculum.stage))
        buffer = max(self._samples_per_insert, float(self.explorer.samples_per_update))
        self._limiter = RateLimiter(self._samples_per_insert, min_size_to_sample=1, error_buffer=buffer)

    def _progress(self) -> dict[str, float]:
        """Where the curriculum is; the visitation as it was at the last switch."""
        now = {
            "stage": float(self.curriculum.stage),
            "context": self.curriculum.contexts[self.curriculum.stage],
            "solved": self.curriculum.solved,
        }
        return {f"curriculum.{name}": value for name, value in (now | self.switch).items()}


def _visitation(spec: TaskSpec, curriculum: Curriculum) -> Visitation:
    context = spec.context.component if spec.context is not None else ""
    columns = [index for index, name in enumerate(spec.observation.names) if name != context]
    options = curriculum.options
    return Visitation(columns, options["discount"], options["beta"], options["window"])
