"""People who say what to do next instead of holding a joystick, and why: demonstrations with thoughts.

They see the true scene. For each kind of words there is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.vocabulary import DIRECTIONS, MovesConfig
from vlmrl_ros.sim.operators.operator import Scene, tip_offset
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.tasks.tabletop.goals import Goal, read_goal
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, Cell, middle_m, place_name
from vlmrl_ros.sim.tasks.tabletop.task import Tabletop

_SENSES = tuple(DIRECTIONS.values())


@dataclass(frozen=True)
class Said:
    """What a person thinks and then says."""

    thoughts: str
    action: str


FULL, EMPTY, LIES, AND, THEN = "the hand is full, the", "the hand is empty, the", " is", ", the", " it is"
"""What thoughts about skills always say again."""
SHAPE = ('{"thoughts": "', '", "action": "', '"}')
"""What stands around thought and action in an answer."""


def cell_of(position: Array) -> Cell:
    """The place nearest to a position, float64 (2,) or more, x and y in the base frame, m."""
    return min(CELLS, key=lambda cell: float(np.linalg.norm(position[:2] - middle_m(cell))))


@dataclass(frozen=True)
class Sight:
    """Where things are on a table, float64 (2,) or more each: x and y in the base frame, m."""

    thing: Array
    target: Array
    place: Array
    """Where the thing is to go."""
    held: bool
    """The thing is in the hand, off the table."""


def by_skills(task: Tabletop) -> Said:
    """What the next skill is, as things are."""
    sight = Sight(task.thing_position(), task.target_position(), task.goal_position, task.holds_thing)
    return next_skill(task.layout.goal, sight)


def next_skill(goal: Goal, sight: Sight) -> Said:
    """Pick up what is asked for; once it is in the hand, place it where it is to go."""
    target = place_name(cell_of(sight.target))
    if sight.held:
        return to_place(goal, target, place_name(cell_of(sight.place)))
    return to_pick(goal, target, place_name(cell_of(sight.thing)))


def to_pick(goal: Goal, target_place: str, place: str) -> Said:
    """What is said when the hand is empty and the thing lies at a place."""
    return Said(f"{EMPTY} {goal.target}{LIES} {target_place}{AND} {goal.thing}{LIES} {place}", f"pick {place}")


def to_place(goal: Goal, target_place: str, place: str) -> Said:
    """What is said when the thing is in the hand and is to go to a place."""
    return Said(f"{FULL} {goal.target}{LIES} {target_place}, {goal.relation}{THEN} {place}", f"place {place}")


def tabletop_by_moves(scene: Scene, instruction: str, config: MovesConfig) -> Said:
    """The same, move by move.

    Raises:
        UnknownNameError: an instruction that is not understood.
    """
    goal, offset = read_goal(instruction), tip_offset(scene)
    to_goal = -np.array([scene["goal_x"], scene["goal_y"]])
    closed = scene["opening"] < scene["width"] + _SLACK_M
    if closed and float(np.abs(offset).max()) < _NEAR_M:
        return _approach(f"{goal.relation} the {goal.target}", to_goal, scene["height"], "open gripper", config)
    if closed:
        return Said("the hand closed on nothing", "open gripper")
    if float(np.abs(to_goal).max()) < _NEAR_M and scene["height"] < _LOW_M:
        return Said(f"the {goal.thing} is {goal.relation} the {goal.target}", "wait")
    return _approach(f"the {goal.thing}", -offset[:2], offset[2], "close gripper", config)


def peg_by_moves(scene: Scene, instruction: str, config: MovesConfig) -> Said:
    """Align the peg over the hole, then push it in; there is one thing to do, whatever one is told."""
    aside = _toward(-np.array([scene["tip_x"], scene["tip_y"]]), config, _ROUNDED * config.fine_mm / 1000)
    if aside is None or scene["tip_z"] < -_FELT_M:
        return Said("the hole is below", "move down")
    if scene["tip_z"] < _FELT_M:
        return Said("the peg stands beside the hole", "move up a little")
    return Said(f"the hole is {aside.direction}", aside.word)


MOVERS: Mapping[str, Callable[[Scene, str, MovesConfig], Said]] = {
    "tabletop": tabletop_by_moves,
    "peg_insert": peg_by_moves,
}
"""Who does a task move by move: from what they see, what is to be done and the distances to what they say."""

_NEAR_M, _SLACK_M = 0.025, 0.004
_ALIGNED_M, _STILL_ALIGNED_M, _HOVER_M, _LOW_M = 0.008, 0.014, 0.03, 0.010
_FELT_M = 0.003
_ROUNDED = 0.55
"""Share of the finest move that may be left of an error: a little more than half."""


@dataclass(frozen=True)
class _Aside:
    direction: str
    word: str


def _toward(error_m: Array, config: MovesConfig, within_m: float) -> _Aside | None:
    """The move along the axis of x and y that is farther off; None where none is."""
    axis = int(np.abs(error_m).argmax())
    away_m = abs(float(error_m[axis]))
    if away_m < within_m:
        return None
    direction = _SENSES[axis][0 if error_m[axis] > 0 else 1]
    coarse = away_m > (config.coarse_mm + config.fine_mm) / 2000
    return _Aside(direction, f"move {direction}{'' if coarse else ' a little'}")


def _approach(what: str, error_m: Array, height_m: float, then: str, config: MovesConfig) -> Said:
    """Sideways, where there is room; then down; then the hand."""
    aside = _toward(error_m, config, _ALIGNED_M if height_m > _HOVER_M else _STILL_ALIGNED_M)
    if aside is not None and height_m < _HOVER_M:
        return Said(f"{what} is {aside.direction} and the hand is low", "move up")
    if aside is not None:
        return Said(f"{what} is {aside.direction}", aside.word)
    if height_m > _LOW_M:
        coarse = height_m - _LOW_M > config.coarse_mm / 1000
        return Said(f"{what} is below", f"move down{'' if coarse else ' a little'}")
    return Said(f"the hand is at {what}", then)
