"""Maze of LMRL-Gym, fully observed: find the goal by moves of one cell."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.text_episode import END, Normalisation, TextEpisode
from vlmrl_ros.sim.text.maze_map import (
    GOAL,
    MOST_MOVES,
    MOVES,
    NUMBER,
    STARTS,
    STEP_REWARD,
    Cell,
    Floats,
    data_policy,
    expected_returns,
    move,
    optimal_return,
    submaze,
    walls,
)
from vlmrl_ros.sim.text.rollout import Behaviour, mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask

ACTIONS = {f"move {name}": name for name in MOVES}
NO_MOVE_REWARD = -4.0
"""Of an utterance that is no move (LMRL-Gym's code)."""


@dataclass(frozen=True)
class MazeConfig:
    """Options of the maze."""

    start: int = option(-1, "number of the cell in which episodes begin; -1: any", low=-1, high=len(STARTS) - 1)
    solver: float = option(
        0.15, "data: share of moves towards the goal; the others are any that stay in the sub-maze", low=0, high=1
    )


class Maze:
    """-1 for each move that does not reach the goal, -4 for what is no move, 0 for reaching it.

    After 100 utterances the next one, whatever it is, costs 1 and ends the episode (LMRL-Gym's code).
    """

    remembers = False
    system_prompt = (
        "You walk through a maze to its goal, one cell at a time. Say one of: "
        f"{', '.join(ACTIONS)}. Rows count from above, columns from the left."
    )

    def __init__(self, config: MazeConfig) -> None:
        self._start = config.start

    @property
    def legal_actions(self) -> Sequence[str]:
        """The four moves; a wall only stops them."""
        return tuple(ACTIONS)

    def reset(self, rng: np.random.Generator) -> str:
        """Stand in the given start or in any."""
        self.cell: Cell = STARTS[self._start if self._start >= 0 else int(rng.integers(len(STARTS)))]
        self._said = 0
        return self._prompt()

    def say(self, text: str) -> Reply:
        """Move."""
        if self._said == MOST_MOVES:
            return Reply(self._prompt(), STEP_REWARD, None, truncated=True)
        name = ACTIONS.get(text)
        self.cell = self.cell if name is None else move(self.cell, name)
        self._said += 1
        success = self.cell == GOAL
        reward = 0.0 if success else NO_MOVE_REWARD if name is None else STEP_REWARD
        return Reply(self._prompt(), reward, text if name else None, success, success=success)

    @property
    def state(self) -> Hashable:
        """The cell."""
        return self.cell

    def _prompt(self) -> str:
        return f"goal at {_at(GOAL)}; you are at {_at(self.cell)}; {walls_around(self.cell)}"


def walls_around(cell: Cell) -> str:
    """What is told of the walls of a cell, with a line end."""
    return f"walls {', '.join(walls(cell))}{END}"


def _at(cell: Cell) -> str:
    return f"{cell[0]}, {cell[1]}"


def confined(solver: float) -> Behaviour[Maze]:
    """One who stays in the sub-maze of the cell in which they are first asked; see :func:`data_policy`."""
    chosen: list[frozenset[Cell]] = []

    def say(rules: Maze, rng: np.random.Generator) -> str:
        if not chosen:
            chosen.append(submaze(rules.cell))
        chances = _chances(chosen[0], solver)[NUMBER[rules.cell]]
        return list(ACTIONS)[int(np.searchsorted(chances, rng.random(), side="right"))]

    return say


@cache
def _chances(cells: frozenset[Cell], solver: float) -> Floats:
    """Of the moves in each cell, summed up from the first on, float64 (26, 4); the last sum is 1, or 0 elsewhere."""
    summed = data_policy(cells, solver).cumsum(1)
    return summed / np.where(summed[:, -1:] > 0, summed[:, -1:], 1.0)


def build(options: Mapping[str, Any]) -> RulesTask[Maze]:
    """The task."""
    return RulesTask(Maze(from_mapping(MazeConfig, options, "maze")))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Walks within one of three sub-mazes each, so that no one walk shows the way from above to the goal."""
    config = from_mapping(MazeConfig, options, "maze")
    return walks(Maze(config), config.solver, seed)


def walks(rules: Maze, solver: float, seed: int) -> Iterator[TextEpisode]:
    """The data, by rules of the maze; see :func:`episodes` and :class:`MazeConfig`."""
    return mixture(RulesTask(rules), lambda rng: ("confined", confined(solver)), seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """No move that counts, the data's mean return, which is exact, and the best return."""
    return scale(from_mapping(MazeConfig, options, "maze"), optimal_return())


def scale(config: MazeConfig, highest: float) -> Normalisation:
    """The anchors, with a given return of the best player."""
    return Normalisation((MOST_MOVES + 1) * STEP_REWARD, data_return(config.solver), highest)


@cache
def data_return(solver: float) -> float:
    """Mean undiscounted return of :func:`episodes` over all starts, exactly."""
    worth = {cells: expected_returns(data_policy(cells, solver)) for cells in map(submaze, STARTS)}
    return float(np.mean([worth[submaze(start)][NUMBER[start]] for start in STARTS]))
