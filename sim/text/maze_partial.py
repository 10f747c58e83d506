"""Maze of LMRL-Gym, partially observed: walls alone, and what was seen and done before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.text_episode import END, Normalisation, TextEpisode
from vlmrl_ros.sim.text.maze import Maze, MazeConfig, scale, walks, walls_around
from vlmrl_ros.sim.text.rules import Reply, RulesTask

NAME = "maze_partial"
HISTORY = 40
"""Observations and moves, together, that a prompt holds at most."""
HIGHEST = -25.75
"""Best return known, by which LMRL-Gym normalises; what is optimal is not known."""


class PartialMaze(Maze):
    """The rules of the maze; a prompt holds what was seen and done last, so it is bounded by itself."""

    def reset(self, rng: np.random.Generator) -> str:
        """Stand in the given start or in any, with no past."""
        super().reset(rng)
        self._past: tuple[str, ...] = (walls_around(self.cell),)
        return self._told()

    def say(self, text: str) -> Reply:
        """Move. What is no move makes it forget the past, as LMRL-Gym's does."""
        reply = super().say(text)
        if not reply.truncated:
            before = () if reply.action is None else (*self._past, text + END)
            self._past = (*before, walls_around(self.cell))[-HISTORY:]
        return replace(reply, text=self._told())

    def _told(self) -> str:
        return "".join(self._past)


def build(options: Mapping[str, Any]) -> RulesTask[Maze]:
    """The task."""
    return RulesTask(PartialMaze(from_mapping(MazeConfig, options, NAME)))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """The walks of the fully observed maze, as they are seen here."""
    config = from_mapping(MazeConfig, options, NAME)
    return walks(PartialMaze(config), config.solver, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """The anchors of the fully observed maze, but for the best return."""
    return scale(from_mapping(MazeConfig, options, NAME), HIGHEST)
