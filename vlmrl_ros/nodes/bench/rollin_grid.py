"""The serpentine grid of the tabular check, and exact visitations of a policy on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]

LENGTH, WIDTH, CORRIDORS = 11, 3, 3
MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))
SLIP = 0.1
"""Probability that a move drawn uniformly takes the place of the one chosen."""


@dataclass(frozen=True)
class Grid:
    """A deterministic grid whose moves slip.

    Attributes:
        following: int64 (S, A), the cell that each move leads to; against a wall, the cell itself.
        path: int64 (L + 1,), cells of one shortest path from the start to the farthest goal.
    """

    following: Cells
    path: Cells

    @property
    def start(self) -> int:
        """Every episode begins here."""
        return int(self.path[0])

    def goals(self, count: int) -> tuple[int, ...]:
        """``count`` cells of the path, equally far apart, the last one at its end."""
        length = len(self.path) - 1
        return tuple(int(self.path[round(length * (index + 1) / count)]) for index in range(count))

    def transitions(self, policy: Array) -> Array:
        """Probability of each next cell, float64 (S, S), under a policy, float64 (S, A)."""
        count, moves = self.following.shape
        taken = (1 - SLIP) * policy + SLIP / moves
        matrix = np.zeros((count, count))
        np.add.at(matrix, (np.arange(count)[:, None], self.following), taken)
        return matrix


def serpentine() -> Grid:
    """Three corridors of 11 by 3 cells, joined by openings of 3 cells at alternate ends: 105 cells, path of 28 moves.

    The sheet fixes these numbers; start and goal in the middle lines, one cell from the ends, give them.
    """
    rows = CORRIDORS * (WIDTH + 1) - 1
    free = np.ones((rows, LENGTH), bool)
    for wall in range(1, CORRIDORS):
        row = wall * (WIDTH + 1) - 1
        free[row] = False
        free[row, -WIDTH:] = wall % 2 == 1
        free[row, :WIDTH] = wall % 2 == 0
    number = np.where(free, np.cumsum(free).reshape(free.shape) - 1, -1)
    following = np.empty((int(free.sum()), len(MOVES)), np.int64)
    for row, column in np.argwhere(free):
        for move, (down, right) in enumerate(MOVES):
            there = (row + down, column + right)
            inside = 0 <= there[0] < rows and 0 <= there[1] < LENGTH and free[there]
            following[number[row, column], move] = number[there if inside else (row, column)]
    return Grid(following, _shortest(following, int(number[1, 1]), int(number[rows - 2, LENGTH - 2])))


def visitation(transitions: Array, starts: Array, discount: float) -> Array:
    """Discounted visitation ``d = (1 - discount) sum_t discount^t Pr(s_t = s)``, float64 (S,), solved exactly.

    Args:
        transitions: float64 (S, S), rows sum to 1.
        starts: float64 (S,), distribution of the first state.
        discount: below 1.
    """
    solved: Array = np.linalg.solve(np.eye(len(starts)) - discount * transitions.T, (1 - discount) * starts)
    return solved


def cover(visited: Array, starts: Array) -> float:
    """``min_s starts(s) / visited(s)``, the inverse of the mismatch ``max_s visited(s) / starts(s)``; 0: infinite."""
    seen = visited > 0
    return float((starts[seen] / visited[seen]).min())


def _shortest(following: Cells, start: int, goal: int) -> Cells:
    """Cells of a shortest path, found from the goal backwards; ties go to the first move."""
    distance = np.full(len(following), -1)
    distance[goal], front = 0, [goal]
    for cell in front:  # moves can be taken back, so walking from the goal measures the way to it
        for neighbour in following[cell]:
            if distance[neighbour] < 0:
                distance[neighbour] = distance[cell] + 1
                front.append(int(neighbour))
    path = [start]
    while path[-1] != goal:
        path.append(int(min(following[path[-1]], key=lambda cell: distance[cell])))
    return np.array(path)
