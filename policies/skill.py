"""A policy that carries out the same words in every episode, whatever it sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.skills import skills
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation, state_of
from vlmrl_ros.core.vocabulary import Drive, Motion, moves

THEN = " then "


class SkillPolicy:
    """One word after the other, then it stands still."""

    def __init__(self, spec: TaskSpec, words: str) -> None:
        """Find out what the words mean.

        Args:
            spec: of the task.
            words: of its action vocabulary, with :data:`THEN` between two, for example ``pick mid left then place far
                right``.

        Raises:
            ConfigError: the task has no words.
            UnknownNameError: a word that it does not have.
        """
        self.options: Mapping[str, Any] = {}
        valid = vocabulary(spec)
        unknown = [word for word in words.split(THEN) if word not in valid]
        if unknown:
            raise UnknownNameError("skill", unknown[0], valid)
        self._motions = [valid[word] for word in words.split(THEN)]
        self._still = np.clip(np.zeros(spec.action.size, np.float32), spec.action.low, spec.action.high)
        self.reset()

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """The next action of the motion under way, float32 (A,), and no further information."""
        state = state_of(observation)
        while self._drive is not None:
            action = self._drive(state)
            if action is not None:
                return action, {}
            self._drive = next(self._left, None)
        return self._still.copy(), {}

    def reset(self) -> None:
        """Begin with the first word."""
        self._left: Iterator[Drive] = (motion.begin() for motion in self._motions)
        self._drive: Drive | None = next(self._left, None)

    def load(self, variables: Variables) -> None:
        """Refuse.

        Raises:
            CheckpointError: always: there is nothing to load.
        """
        raise CheckpointError(f"a skill has no weights; got {', '.join(sorted(variables)) or 'none'}")


def vocabulary(spec: TaskSpec) -> dict[str, Motion]:
    """All words of a task: moves, and skills over a table where it has what they need.

    Raises:
        ConfigError: it has none.
    """
    words: dict[str, Motion] = dict(moves(spec))
    with suppress(ConfigError):
        words |= skills(spec)
    return words
