"""Episodes of a behaviour policy, for data sets and for what a data set is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from typing import Any, TypeVar

import numpy as np

from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_episode import END, TextEpisode, TextTurn
from vlmrl_ros.sim.text.rules import RulesTask, TextRules

Rules = TypeVar("Rules", bound=TextRules)
Behaviour = Callable[[Rules, np.random.Generator], str]
"""What is said in a state of the rules, which it may look into; draws from the generator."""


def record(
    task: RulesTask[Rules], behaviour: Behaviour[Rules], seed: int, rng: np.random.Generator, info: Mapping[str, Any]
) -> TextEpisode:
    """One episode.

    Args:
        task: reset by this.
        behaviour: who speaks.
        seed: of the task.
        rng: of the behaviour.
        info: goes into the record beside ``success`` and ``seed``.
    """
    observation, turns, step = task.reset(seed), [], None
    while step is None or not step.last:
        said = behaviour(task.rules, rng)
        step = task.step(said)
        turns.append(TextTurn(observation.text, said + END, step.reward))
        observation = step.observation
    known = {"seed": seed, "success": bool(step.info["success"]), **info}
    return TextEpisode(tuple(turns), step.terminated, known, observation.text)


def mixture(
    task: RulesTask[Rules],
    draw: Callable[[np.random.Generator], tuple[str, Behaviour[Rules]]],
    seed: int,
) -> Iterator[TextEpisode]:
    """Episodes without end, each of a policy drawn anew.

    Args:
        task: plays them all.
        draw: gives a name and a behaviour.
        seed: of everything.
    """
    for number in count():
        rng = stream(seed, "text data", number)
        name, behaviour = draw(rng)
        yield record(task, behaviour, int(rng.integers(2**31)), rng, {"policy": name})


def mean_return(episodes: Iterator[TextEpisode], number: int) -> float:
    """Average of the undiscounted returns of the first episodes."""
    return float(np.mean([episode.undiscounted_return for episode in islice(episodes, number)]))
