"""ROLLIN: an easy-to-hard curriculum in which the stage before brings the explorer to where it begins.

After Li et al., "Understanding the Complexity Gains of Single-Task RL with a Curriculum" (ICML 2023), as far as it is
known here: see ``docs/curriculum.md``. With ``beta`` 0 it is the same curriculum without roll-in, with one stage none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec


@dataclass(frozen=True)
class RollinConfig:
    """Options of the curriculum ``rollin``."""

    stages: int = option(
        4, "contexts from easy to full, equally far apart; 1: the task itself, no curriculum", low=1, high=1000
    )
    beta: float = option(
        0.1, "share of rolled-in episodes after the first stage; 0: none, stages only warm-start", low=0.0, high=1.0
    )
    discount: float = option(
        0.99, "a roll-in goes on after each of its steps with this probability", low=0.0, high=0.9999
    )
    threshold: float = option(
        0.5, "mean success of plain episodes above which the next stage begins", low=0.0, high=0.999
    )
    window: int = option(10, "newest plain episodes in that mean", low=1, high=10_000)
    horizon: str = option(
        "added",
        "added: a roll-in comes on top of the task's horizon; counted: it takes its steps from it",
        choices=("added", "counted"),
    )


class Rollin:
    """The stage, the advance test, and the plan of each episode.

    A roll-in of ``j`` steps has the probability ``(1 - discount) discount^j``, from 0 on: where it ends is a draw from
    the discounted visitation of the policy that rolls in. It is cut at the task's horizon.
    """

    def __init__(self, contexts: Sequence[float], horizon: int, config: RollinConfig) -> None:
        """Begin with the first stage.

        Args:
            contexts: of the stages, from easy to full.
            horizon: of the task, control steps.
            config: options; ``stages`` is not read.
        """
        self.contexts = tuple(contexts)
        self.options = to_mapping(config)
        self.stage = 0
        self._horizon = horizon
        self._config = config
        self._recent: deque[float] = deque(maxlen=config.window)
        self._done = False

    @property
    def solved(self) -> float:
        """Share of the stages whose advance test was passed, the last one included."""
        return (self.stage + self._done) / len(self.contexts)

    def plan(self, rng: np.random.Generator) -> EpisodePlan:
        """A plain episode, or with probability ``beta`` a rolled-in one; the first stage has plain ones only."""
        context = self.contexts[self.stage]
        if self.stage == 0 or rng.random() >= self._config.beta:
            return EpisodePlan(context)
        steps = min(int(rng.geometric(1.0 - self._config.discount)) - 1, self._horizon)
        extra = steps if self._config.horizon == "added" else 0
        return EpisodePlan(context, True, steps, self.contexts[self.stage - 1], extra)

    def record(self, success: float) -> bool:
        """Take the success of a plain episode; roll-ins would flatter. True when another stage begins."""
        self._recent.append(success)
        passed = len(self._recent) == self._config.window and float(np.mean(self._recent)) > self._config.threshold
        if not passed:
            return False
        if self.stage == len(self.contexts) - 1:
            self._done = True
            return False
        self.stage += 1
        self._recent.clear()
        return True

    def state(self) -> dict[str, Any]:
        """Stage, newest successes, and whether the last stage was solved."""
        return {"stage": self.stage, "recent": list(self._recent), "done": self._done}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`.

        Raises:
            ValueError: a stage that this curriculum does not have.
            KeyError, TypeError: not the state of a curriculum.
        """
        stage, recent = int(state["stage"]), [float(value) for value in state["recent"]]
        if not 0 <= stage < len(self.contexts):
            raise ValueError(f"stage {stage}; valid: 0 to {len(self.contexts) - 1}")
        self.stage, self._done = stage, bool(state["done"])
        self._recent = deque(recent, maxlen=self._config.window)


def build(spec: TaskSpec, config: Mapping[str, Any]) -> Rollin:
    """Entry point of the curriculum plug-in ``rollin``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or a task without contexts.
    """
    options = from_mapping(RollinConfig, config, "curriculum")
    if spec.context is None:
        raise ConfigError(f"task '{spec.task}' has no context for a curriculum to change")
    return Rollin(spec.context.stages(options.stages), spec.horizon, options)
