"""Any text task as an environment of TRL's ``GRPOTrainer`` (its ``environment_factory``)."""

from __future__ import annotations

from typing import Any

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import TextObservation, TextTask
from vlmrl_ros.core.text_episode import END


class TrlEnvironment:
    """One episode at a time of a task. TRL is not needed to make it.

    TRL makes one for each completion that is under way, shows the model what :meth:`reset` returns, offers it
    :meth:`answer` as a tool, by its docstring, and takes :meth:`get_reward` for the completion's reward::

        GRPOTrainer(..., environment_factory=lambda: TrlEnvironment(game("maze").build({})))

    Source: TRL 1.16, ``GRPOTrainer``.
    """

    def __init__(self, task: TextTask) -> None:
        """Take a task that no other environment has."""
        self._task = task
        self._return, self._seen, self._over = 0.0, "", True

    def reset(self, seed: int = 0, **columns: Any) -> str:
        """Begin the episode of a seed, a column of the data set; returns the rules and the first prompt.

        Raises:
            ConfigError: the task shows pictures.
        """
        self._return, self._seen, self._over = 0.0, "", False
        return f"{self._task.system_prompt}{END}{self._news(self._task.reset(seed))}"

    def answer(self, text: str) -> str:
        """Say something, as the rules ask for it.

        Args:
            text: What is said, one line.

        Returns:
            What comes of it.
        """
        step = self._task.step(text)  # after the end a RuntimeError, which TRL shows the model
        self._return += step.reward
        self._over = step.last
        return self._news(step.observation)

    def get_reward(self) -> float:
        """The return of the episode. What is left of it is played out in silence: where each turn costs, a completion
        that breaks off would else be worth more than one that gets there.
        """
        while not self._over:
            self.answer("")
        return self._return

    def _news(self, observation: TextObservation) -> str:
        """What the model has not been shown: where a prompt grows, the lines after its own."""
        if observation.images:
            raise ConfigError(f"{type(self._task).__name__} shows pictures; valid for TRL: tasks of text alone")
        before, self._seen = self._seen, observation.text
        grown = bool(before) and observation.text.startswith(before) and observation.text != before
        return observation.text[len(before) :].partition(END)[2] if grown else observation.text
