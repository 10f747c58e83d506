"""The double T maze of LMRL-Gym as numbers: cells, moves, sub-mazes, and what policies are worth in it, exactly."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

PLAN = (
    "#############",
    "#.....#.....#",
    "###.#####.###",
    "###.#####.###",
    "###.#####.###",
    "###.......###",
    "######.######",
    "######.######",
    "######.######",
    "#############",
)
"""Walls are #; rows from above, columns from the left."""
Cell = tuple[int, int]
Floats = npt.NDArray[np.float64]
MOVES: dict[str, Cell] = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
GOAL: Cell = (8, 6)
CELLS: tuple[Cell, ...] = tuple((r, c) for r, row in enumerate(PLAN) for c, sign in enumerate(row) if sign == ".")
STARTS: tuple[Cell, ...] = tuple(cell for cell in CELLS if cell != GOAL)
NUMBER = {cell: number for number, cell in enumerate(CELLS)}
LOWER = frozenset(cell for cell in CELLS if cell[0] >= 5)
LEFT, RIGHT = (
    frozenset(cell for cell in CELLS if cell not in LOWER and inside(cell[1])) | {door}
    for inside, door in ((lambda column: column < 6, (5, 3)), (lambda column: column > 6, (5, 9)))
)
"""Sub-mazes; the upper two share a door with the lower one."""
MOST_MOVES = 100
"""Whoever has not reached the goal by then loses with the next utterance, which costs one more."""
STEP_REWARD = -1.0


def move(cell: Cell, name: str) -> Cell:
    """Where a move leads; into a wall it leads nowhere."""
    there = cell[0] + MOVES[name][0], cell[1] + MOVES[name][1]
    return there if there in NUMBER else cell


def walls(cell: Cell) -> tuple[str, ...]:
    """The moves that lead into a wall."""
    return tuple(name for name in MOVES if move(cell, name) == cell)


def submaze(start: Cell) -> frozenset[Cell]:
    """The sub-maze to which the data of a start keep; a door belongs to the lower one."""
    return next(cells for cells in (LOWER, LEFT, RIGHT) if start in cells)


@cache
def destinations() -> npt.NDArray[np.int64]:
    """Where each move (column, in the order of :data:`MOVES`) leads from each cell (row), int64 (26, 4)."""
    return np.array([[NUMBER[move(cell, name)] for name in MOVES] for cell in CELLS])


def backed_up(values: Floats, discount: float) -> Floats:
    """What each move is worth, float64 (26, 4), where ``values``, float64 (26,), come next; the goal is worth 0."""
    there = destinations()
    at_goal = there == NUMBER[GOAL]
    return np.where(at_goal, 0.0, STEP_REWARD + discount * values[there])


@cache
def solution(discount: float) -> Floats:
    """The best that moves are worth, float64 (26, 4), by value iteration.

    Args:
        discount: of one move, 0 to 1.
    """
    values = np.zeros(len(CELLS))
    while True:
        moves = backed_up(values, discount)
        after = moves.max(1)
        after[NUMBER[GOAL]] = 0.0
        if np.array_equal(after, values):
            return moves
        values = after


def optimal_return() -> float:
    """Mean over starts of the best undiscounted return."""
    return mean_over_starts(solution(1.0).max(1))


def expected_returns(policy: Floats) -> Floats:
    """Undiscounted mean return from each cell within the moves of an episode, float64 (26,), exactly.

    Args:
        policy: probability of each move in each cell, float64 (26, 4).
    """
    values = np.full(len(CELLS), STEP_REWARD)
    values[NUMBER[GOAL]] = 0.0
    for _ in range(MOST_MOVES):
        values = (policy * backed_up(values, 1.0)).sum(1)
        values[NUMBER[GOAL]] = 0.0
    return values


def mean_over_starts(values: Floats) -> float:
    """Mean over the starts of values of cells, float64 (26,)."""
    return float(np.mean([values[NUMBER[start]] for start in STARTS]))


def data_policy(cells: frozenset[Cell], solver: float) -> Floats:
    """Probabilities of moves, float64 (26, 4), of one who never leaves some cells.

    Args:
        cells: a sub-maze; rows of other cells are 0.
        solver: share of the moves that lead towards the goal, unless they lead out; the others are any that do not.
    """
    policy = np.zeros((len(CELLS), len(MOVES)))
    best = solution(1.0).argmax(1)
    for cell in cells:
        row, inside = NUMBER[cell], [move(cell, name) in cells for name in MOVES]
        policy[row] = np.array(inside, np.float64) / sum(inside)
        if inside[best[row]]:
            policy[row] *= 1.0 - solver
            policy[row, best[row]] += solver
    return policy
