"""Episodes in numbers: what happened in one, and what a number of them say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.types import Source, Step
from vlmrl_ros.policies.evaluation.statistics import Interval, bootstrap_interval, success_interval


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        steps: transitions.
        success: the task counted as done when it ended.
        takeovers: how often a person took control.
        human_steps: transitions in which a person acted.
        task_return: sum of the task's reward.
    """

    steps: int
    success: bool
    takeovers: int
    human_steps: int
    task_return: float


@dataclass(frozen=True)
class Report:
    """What a number of episodes say, with 95 % intervals.

    Attributes:
        episodes: how many.
        success: rate, 0 to 1 (Wilson).
        task_return: mean sum of the task's reward (bootstrap).
        length: mean number of control steps (bootstrap).
    """

    episodes: int
    success: Interval
    task_return: Interval
    length: Interval


def episode_of(steps: Sequence[Step]) -> Episode:
    """Sum up the steps of one episode, from the reset to the last observation.

    Raises:
        ConfigError: fewer than two steps, or steps of different episodes.
    """
    if len(steps) < 2 or len({step.feedback.episode for step in steps}) != 1:
        raise ConfigError(f"an episode is 2 or more steps of one episode number; got {len(steps)} steps")
    acted = steps[:-1]
    return Episode(
        steps=len(acted),
        success=steps[-1].feedback.success,
        takeovers=sum(step.intervention.edge for step in steps),
        human_steps=sum(step.intervention.source is Source.HUMAN for step in acted),
        task_return=float(sum(step.feedback.reward for step in steps[1:])),
    )


def report(episodes: Sequence[Episode], rng: np.random.Generator) -> Report:
    """Rates and means with their intervals; ``rng`` serves the bootstrap.

    Raises:
        ConfigError: no episode.
    """
    return Report(
        episodes=len(episodes),
        success=success_interval(sum(episode.success for episode in episodes), len(episodes)),
        task_return=bootstrap_interval([episode.task_return for episode in episodes], rng),
        length=bootstrap_interval([float(episode.steps) for episode in episodes], rng),
    )


def takeovers_per_episode(episodes: Sequence[Episode]) -> float:
    """Mean number of takeovers in an episode."""
    return float(np.mean([episode.takeovers for episode in episodes]))


def human_share(episodes: Sequence[Episode]) -> float:
    """Share of the control steps in which a person acted, 0 to 1."""
    return sum(episode.human_steps for episode in episodes) / max(1, sum(episode.steps for episode in episodes))
