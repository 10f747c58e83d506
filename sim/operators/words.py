"""People who say what to do next instead of holding a joystick, and why: demonstrations with thoughts.

They see the true scene. For each kind of words there is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.vocabulary import DIRECTIONS, MovesConfig
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import ArmTask
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, Cell, middle_m, place_name
from vlmrl_ros.sim.tasks.tabletop.task import Tabletop

_SENSES = tuple(DIRECTIONS.values())


@dataclass(frozen=True)
class Said:
    """What a person thinks and then says."""

    thoughts: str
    action: str


def place_of(position: Array) -> str:
    """Name of the place nearest to a position, float64 (2,) or more, x and y in the base frame, m."""
    return place_name(_nearest(position))


def _nearest(position: Array) -> Cell:
    return min(CELLS, key=lambda cell: float(np.linalg.norm(position[:2] - middle_m(cell))))


def by_skills(task: Tabletop) -> Said:
    """Pick up what is asked for; once it is in the hand, place it where it is to go."""
    goal = task.layout.goal
    target = f"the {goal.target} is {place_of(task.target_position())}"
    if task.holds_thing:
        place = place_of(task.goal_position)
        return Said(f"the hand is full, {target}, {goal.relation} it is {place}", f"place {place}")
    place = place_of(task.thing_position())
    return Said(f"the hand is empty, {target}, the {goal.thing} is {place}", f"pick {place}")


def tabletop_by_moves(task: Tabletop, config: MovesConfig) -> Said:
    """The same, move by move."""
    scene, goal = task.scene(), task.layout.goal
    offset = np.array([scene["tip_x"], scene["tip_y"], scene["tip_z"]])
    if not task.holds_thing and scene["opening"] < scene["width"] - 0.004:
        return Said("the hand closed on nothing", "open gripper")
    if not task.holds_thing and float(np.abs(offset).max()) < 0.02 and scene["opening"] < scene["width"] + 0.004:
        return Said(f"the hand has the {goal.thing}", "move up")
    if task.holds_thing:
        beside, height = -np.array([scene["goal_x"], scene["goal_y"]]), scene["height"]
        what = f"{goal.relation} the {goal.target}"
        at_rest, closing = 0.012, "open gripper"
    else:
        beside, height, what, at_rest, closing = -offset[:2], scene["tip_z"], f"the {goal.thing}", 0.008, "close gripper"
    return _approach(what, beside, height, at_rest, closing, config)


def _approach(what: str, beside: Array, height: float, at_rest: float, closing: str, config: MovesConfig) -> Said:
    """Sideways first, high enough, then down, then the hand."""
    sideways = _toward(np.array([*beside, 0.0]), config, within_m=0.008)
    if sideways is not None and height < _HOVER_M:
        return Said(f"{what} is not below and the hand is low", _word(2, 1, coarse=False))
    if sideways is not None:
        return Said(f"{what} is {sideways.removeprefix('move ').removesuffix(' a little')}", sideways)
    if height > at_rest:
        return Said(f"{what} is below", _word(2, -1, coarse=height - at_rest > config.coarse_mm / 1000))
    return Said(f"the hand is at {what}", closing)


_HOVER_M = 0.03


def peg_by_moves(task: ArmTask, config: MovesConfig) -> Said:
    """Align the peg over the hole, then go down."""
    scene = task.scene()
    beside = -np.array([scene["tip_x"], scene["tip_y"], 0.0])
    inside = scene["tip_z"] < -0.003
    sideways = None if inside else _toward(beside, config, within_m=config.fine_mm / 1900)
    if sideways is not None and scene["tip_z"] > 0.002:
        return Said(f"the hole is {sideways.removeprefix('move ').removesuffix(' a little')}", sideways)
    if sideways is not None:
        return Said("the peg stands beside the hole", _word(2, 1, coarse=False))
    deep = scene["tip_z"] > 0.010 + config.coarse_mm / 1000 or inside
    return Said("the hole is below", _word(2, -1, coarse=deep))


MOVERS: Mapping[str, Callable[..., Said]] = {"tabletop": tabletop_by_moves, "peg_insert": peg_by_moves}
"""Who does a task move by move: from the task and the distances to what they say."""


def _toward(error_m: Array, config: MovesConfig, within_m: float) -> str | None:
    """The move along the axis that is farthest off; None where none is."""
    axis = int(np.abs(error_m).argmax())
    away = abs(float(error_m[axis]))
    if away < within_m:
        return None
    return _word(axis, float(error_m[axis]), coarse=away > (config.coarse_mm + config.fine_mm) / 2000)


def _word(axis: int, sense: float, *, coarse: bool) -> str:
    return f"move {_SENSES[axis][0 if sense > 0 else 1]}{'' if coarse else ' a little'}"
