"""The protocol of a policy that takes longer than a control step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vlmrl_ros.core.interfaces import Policy, Variables
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation, state_of
from vlmrl_ros.core.vocabulary import Drive, Motion


@dataclass(frozen=True)
class Question:
    """What a policy is to think about.

    Attributes:
        observation: as in :meth:`Policy.act`.
        rng: all its randomness comes from it.
        instruction: what the robot is told to do; empty where nobody has said anything.
    """

    observation: Observation
    rng: np.random.Generator
    instruction: str = ""


@dataclass(frozen=True)
class Decision:
    """What a policy made of a question.

    Attributes:
        motion: what to do, for one control step or for many; None where it found nothing.
        thought: what there is to say of it, fit for JSON; ``error`` is in it where the question could not be answered.
        ends: the episode is to end.
    """

    motion: Motion | None
    thought: Mapping[str, Any]
    ends: bool = False


@runtime_checkable
class Thinker(Policy, Protocol):
    """A policy that takes longer than a control step, and decides on motions. Asked in a thread of its own.

    :meth:`Policy.act` asks at once and carries the motion out step by step until :meth:`Policy.reset`.
    """

    def reset(self, instruction: str = "") -> None:
        """Another episode begins, with this to do: :meth:`Policy.act` leaves the motion under way."""

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """Answer the questions of several robots together.

        Raises:
            Exception: together they cannot be answered, or one has brought out a defect; whoever asked puts each alone.
        """

    def prepare(self, variables: Variables) -> Any:
        """Make ready new weights while the old ones are at work; called in another thread.

        Raises:
            CheckpointError: they do not fit.
        """

    def take(self, prepared: Any) -> None:
        """Put what :meth:`prepare` returned in force, between two questions."""


class MotionByMotion(ABC):
    """What a :class:`Thinker` does at once, by what it thinks."""

    def __init__(self, spec: TaskSpec) -> None:
        """Begin without a motion."""
        self._still = np.clip(np.zeros(spec.action.size, np.float32), spec.action.low, spec.action.high)
        self._drive: Drive | None = None
        self._told = ""

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """The next action of the motion under way, or of one decided on now; ``thought`` and ``ends`` where it is."""
        state, info = state_of(observation), {}
        action = self._drive(state) if self._drive is not None else None
        if action is None:
            decision = self.think([Question(observation, rng, self._told)])[0]
            info = {"thought": dict(decision.thought), "ends": decision.ends}
            self._drive = decision.motion.begin() if decision.motion is not None else None
            action = self._drive(state) if self._drive is not None else None
        return (self._still.copy() if action is None else action), info

    def reset(self, instruction: str = "") -> None:
        """Leave the motion under way."""
        self._drive, self._told = None, instruction

    @abstractmethod
    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """See :meth:`Thinker.think`."""
