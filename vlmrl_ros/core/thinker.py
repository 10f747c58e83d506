"""The protocol of a policy that takes longer than a control step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vlmrl_ros.core.interfaces import Policy, Variables
from vlmrl_ros.core.types import Observation
from vlmrl_ros.core.vocabulary import Motion


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
    """

    motion: Motion | None
    thought: Mapping[str, Any]


@runtime_checkable
class Thinker(Policy, Protocol):
    """A policy that takes longer than a control step, and decides on motions. Asked in a thread of its own.

    :meth:`Policy.act` asks at once and carries the motion out step by step until :meth:`Policy.reset`.
    """

    def reset(self, instruction: str = "") -> None:
        """Another episode begins, with this to do: :meth:`Policy.act` leaves the motion under way."""

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """Answer the questions of several robots together. What is wrong with one of them hurts no other."""

    def prepare(self, variables: Variables) -> Any:
        """Make ready new weights while the old ones are at work; called in another thread.

        Raises:
            CheckpointError: they do not fit.
        """

    def take(self, prepared: Any) -> None:
        """Put what :meth:`prepare` returned in force, between two questions."""
