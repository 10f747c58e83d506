"""What lies where at the beginning of an episode."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.skills import COLUMNS_M, ROWS_M
from vlmrl_ros.sim.tasks.tabletop.goals import COLOURS, PLACES_TO_BE, RELATIONS, SHAPES, Goal, Thing

Cell = tuple[int, int]
"""Row from near to far, column from right to left."""

ROWS, COLUMNS = tuple(ROWS_M), tuple(reversed(COLUMNS_M))
CELLS = tuple(product(range(len(ROWS)), range(len(COLUMNS))))
MIDDLE: Cell = (1, 1)
"""Has others on all sides."""


@dataclass(frozen=True)
class Layout:
    """A goal, and the cells of all that lies on the table; the first thing and the first target are the goal's."""

    goal: Goal
    things: tuple[Thing, ...]
    thing_cells: tuple[Cell, ...]
    targets: tuple[Thing, ...]
    target_cells: tuple[Cell, ...]

    @property
    def goal_cell(self) -> Cell:
        """Where the thing is to go; it is free at first."""
        return beside(self.target_cells[0], self.goal.relation)


def place_name(cell: Cell) -> str:
    """What a cell is called, as in :data:`vlmrl_ros.core.skills.PLACES`."""
    return f"{ROWS[cell[0]]} {COLUMNS[cell[1]]}"


def middle_m(cell: Cell) -> tuple[float, float]:
    """Middle of a cell, x and y in the base frame, m."""
    return ROWS_M[ROWS[cell[0]]], COLUMNS_M[COLUMNS[cell[1]]]


def beside(cell: Cell, relation: str) -> Cell:
    """The cell in a relation to another one; it may lie beside the table."""
    row, column = RELATIONS[relation]
    return cell[0] + row, cell[1] + column


def way_m(cell: Cell, relation: str) -> npt.NDArray[np.float64]:
    """From a target in a cell to where a thing in a relation to it lies, float64 (2,), x and y in the base frame, m."""
    return np.subtract(middle_m(beside(cell, relation)), middle_m(cell))


def draw(goal: Goal, rng: np.random.Generator) -> Layout:
    """Lay the table for a goal.

    Beside the goal's thing lie two that share one word with it, and beside its target one that does, so that no word
    of the instruction can be left out.
    """
    things = (goal.thing, _other_shape(goal.thing, rng), _other_colour(goal.thing, rng))
    similar = [one for one in PLACES_TO_BE if (one.colour == goal.target.colour) != (one.kind == goal.target.kind)]
    targets = (goal.target, similar[rng.integers(len(similar))])
    fitting = [cell for cell in CELLS if beside(cell, goal.relation) in CELLS]
    own = fitting[rng.integers(len(fitting))]
    free = [cell for cell in CELLS if cell not in (own, beside(own, goal.relation))]
    others = [free[index] for index in rng.permutation(len(free))[:4]]
    return Layout(goal, things, tuple(others[:3]), targets, (own, others[3]))


def _other_shape(thing: Thing, rng: np.random.Generator) -> Thing:
    shapes = [shape for shape in SHAPES if shape != thing.kind]
    return Thing(thing.colour, shapes[rng.integers(len(shapes))])


def _other_colour(thing: Thing, rng: np.random.Generator) -> Thing:
    colours = [colour for colour in COLOURS if colour != thing.colour]
    return Thing(colours[rng.integers(len(colours))], thing.kind)
