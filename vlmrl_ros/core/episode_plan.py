"""What a curriculum plans of an episode, and how the learner tells a bridge of it."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

from vlmrl_ros.core.config import cast
from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.spec import MAX_COUNT, TaskSpec

MAX_TEXT = 4096
"""Longest text of an announcement that is parsed, characters."""


class Role(enum.IntEnum):
    """Who acts at a step of a curriculum."""

    MAIN = 0
    """The main agent, in the context of the episode."""
    ROLL_IN = 1
    """The main agent, in the context of the stage before."""
    EXPLORER = 2


@dataclass(frozen=True)
class EpisodePlan:
    """How one episode of a curriculum goes.

    Attributes:
        context: of the whole episode; every reward is of it.
        rolled_in: the stage before brings the arm to where the explorer begins. Otherwise the episode is plain: the
            main agent acts throughout.
        roll_in_steps: control steps before the explorer acts, 0 or more.
        roll_in_context: context in which the main agent acts in them.
        extra_steps: control steps that the episode lasts beyond the horizon of the task.
    """

    context: float
    rolled_in: bool = False
    roll_in_steps: int = 0
    roll_in_context: float = 0.0
    extra_steps: int = 0

    def role(self, step: int) -> Role:
        """Who acts at a step of the episode."""
        if not self.rolled_in:
            return Role.MAIN
        return Role.ROLL_IN if step < self.roll_in_steps else Role.EXPLORER

    def check(self, spec: TaskSpec) -> EpisodePlan:
        """Return the plan.

        Raises:
            RangeError: no episode of the task can go like this.
        """
        if spec.context is None:
            raise RangeError(f"a plan with context {self.context:g}, but task '{spec.task}' has none to change")
        spec.context.check(self.context)
        if self.rolled_in or self.roll_in_context:
            spec.context.check(self.roll_in_context)
        steps = (self.roll_in_steps, self.extra_steps)
        if not 0 <= min(steps) <= max(steps) <= spec.horizon:
            raise RangeError(f"a plan with {steps[0]} roll-in and {steps[1]} extra steps; valid: 0 to {spec.horizon}")
        return self


_KINDS = get_type_hints(EpisodePlan)


@dataclass(frozen=True)
class Announcement:
    """The plan of the next episode.

    Attributes:
        after_ns: stamp of the step after which it was made, ns: the newest that was learned from or given up; 0 before
            the first.
        episode: for which it was drawn.
        plan: the plan.
    """

    after_ns: int
    episode: int
    plan: EpisodePlan

    def to_json(self) -> str:
        """As JSON text, in one level."""
        return json.dumps({"after_ns": self.after_ns, "episode": self.episode, **asdict(self.plan)}, sort_keys=True)

    @staticmethod
    def from_json(text: str, spec: TaskSpec) -> Announcement:
        """Read what :meth:`to_json` wrote.

        Raises:
            ShapeError: it is none.
            RangeError: too long, a count that is none, or a plan that the task cannot follow.
        """
        announcement = read_json(text, "the plan of an episode", MAX_TEXT, Announcement._of_plain)
        after_ns, episode = announcement.after_ns, announcement.episode
        if not (0 <= after_ns < 2**63 and 0 <= episode <= MAX_COUNT):
            raise RangeError(f"a plan of episode {episode} after {after_ns} ns; valid: whole numbers from 0")
        announcement.plan.check(spec)
        return announcement

    @staticmethod
    def _of_plain(plain: Any) -> Announcement:
        plan = {name: cast(name, plain[name], kind) for name, kind in _KINDS.items()}
        after_ns, episode = (cast(name, plain[name], int) for name in ("after_ns", "episode"))
        return Announcement(after_ns, episode, EpisodePlan(**plan))


class Announcements:
    """The bridge's side: the newest plan, and whether an episode may begin by it."""

    def __init__(self, spec: TaskSpec, waits: bool) -> None:
        """Nothing was announced yet.

        Args:
            spec: of the task.
            waits: an episode begins only by a plan that was made when the one before it had been learned from to its
                end, so that runs can be repeated. In real time nobody waits: the newest plan is good.
        """
        self._spec = spec
        self._waits = waits
        self._newest: Announcement | None = None

    def hear(self, text: str) -> None:
        """Take an announcement.

        Raises:
            ShapeError, RangeError: as in :meth:`Announcement.from_json`; the one before stays in force.
        """
        self._newest = Announcement.from_json(text, self._spec)

    @property
    def newest(self) -> EpisodePlan | None:
        """The newest plan: that of the first episode, also of a bridge that takes the place of another."""
        return self._newest.plan if self._newest is not None else None

    def following(self, stamp_ns: int) -> EpisodePlan | None:
        """The plan of the episode that follows one whose last step bears this stamp, ns; None while there is none."""
        if self._newest is None or (self._waits and self._newest.after_ns < stamp_ns):
            return None
        return self._newest.plan
