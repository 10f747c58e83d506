"""Put the thing that a sentence names where it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.skills import REST_M
from vlmrl_ros.sim.arena import CAMERAS
from vlmrl_ros.sim.arm import FINGER_STROKE_M
from vlmrl_ros.sim.robot import Array
from vlmrl_ros.sim.task import ArmConfig, ArmTask, Feature, Workpiece, features
from vlmrl_ros.sim.tasks.tabletop.cell import HALF_HEIGHT_M, TARGET_COUNT, THING_COUNT, compose, half_width_m, shape
from vlmrl_ros.sim.tasks.tabletop.goals import COMBINATIONS, goals, read_goal
from vlmrl_ros.sim.tasks.tabletop.layout import Layout, draw, middle_m, way_m

VIEWS = (*CAMERAS, "top")
_CLEAR_M = 0.05
_SPREAD_M = 0.008
_TARGET_Z_M = 0.001
_START_SPREAD_M = np.array([0.01, 0.03, 0.01])
AT_GOAL_M = 0.035
"""So near to where it is to go, on either axis, a thing counts as there."""
_RESTING_M = 0.006
_HELD_M = 0.03
_LET_GO_M = 0.006
_SEEN = (
    *features("thing", "m", 0.30),
    *features("thing_fine", "m", 0.02),
    *features("goal", "m", 0.40, "xy"),
    *features("goal_fine", "m", 0.04, "xy"),
    Feature("thing_height", "m", 0.0, 0.15),
)
_FELT = (
    Feature("tip_x", "m", 0.25, 0.75),
    Feature("tip_y", "m", -0.40, 0.40),
    Feature("tip_z", "m", -0.02, 0.60),
    Feature("opening", "m", -0.01, 2 * FINGER_STROKE_M + 0.01),
)


@dataclass(frozen=True)
class TabletopConfig(ArmConfig):
    """Options of ``tabletop``."""

    observation: str = option(
        "both",
        "state: the whole vector; pixels: cameras and proprioception; both",
        choices=("state", "pixels", "both"),
    )
    cameras: tuple[str, ...] = option(("top",), "cameras of the observation, where it has pixels", choices=VIEWS)
    image_size: int = option(64, "height and width of each camera", unit="px", low=16, high=1080)
    horizon: int = option(200, "control steps of an episode", low=1)
    combinations: str = option(
        "seen",
        "what is asked for: seen: what may be trained on; unseen: colours and shapes that are never asked for together "
        "there; all",
        choices=COMBINATIONS,
    )
    instruction: str = option(
        "", "the sentence of each episode, like 'put the red block on the blue pad'; empty: drawn anew each time"
    )


def build(config: Mapping[str, Any]) -> Tabletop:
    """Make the task.

    Raises:
        UnknownNameError: an unknown option, or an instruction that is not understood.
        ConfigError: a value out of range.
    """
    return Tabletop(from_mapping(TabletopConfig, config, "task tabletop"))


def holds(height_m: float, away_m: float) -> bool:
    """A hand at this distance holds a thing that is so high over the table."""
    return height_m > _RESTING_M and away_m < _HELD_M


class Tabletop(ArmTask):
    """Things to move and targets to move them to lie in a grid of places; the hand starts open above them."""

    views: ClassVar[Mapping[str, str]] = {**ArmTask.views, "top": "top"}
    tip_speed_m_s: ClassVar[float] = 0.2
    layout: Layout
    """Of this episode, as the table was laid at first."""

    def __init__(self, config: TabletopConfig) -> None:
        """Compose and compile the cell."""
        self._goals = (read_goal(config.instruction),) if config.instruction else goals(config.combinations)
        super().__init__("tabletop", config, compose(), seen=_SEEN, felt=_FELT, driven_fingers=True)
        model = self.robot.model
        self._bodies = [model.body(f"thing_{number}").id for number in range(THING_COUNT)]
        self._targets = [int(model.body(f"target_{number}").mocapid[0]) for number in range(TARGET_COUNT)]
        joints = [model.joint(f"thing_{number}") for number in range(THING_COUNT)]
        self._poses = [slice(int(joint.qposadr[0]), int(joint.qposadr[0]) + 7) for joint in joints]
        self._speeds = [slice(int(joint.dofadr[0]), int(joint.dofadr[0]) + 6) for joint in joints]
        self._lay(np.random.default_rng(0))

    @property
    def instruction(self) -> str:
        """What is asked for in this episode."""
        return str(self.layout.goal)

    def shuffle(self, rng: np.random.Generator) -> None:
        """Lay the table anew, with another instruction; the arm does not move."""
        self._lay(rng)

    def workpiece(self) -> Workpiece:
        """Middle of the thing that is asked for."""
        position = self.thing_position()
        return Workpiece(position, position, clear_m=_CLEAR_M)

    def thing_position(self, number: int = 0) -> Array:
        """Where a thing of the layout is now, float64 (3,), m, in the base frame."""
        return np.array(self.robot.data.xpos[self._bodies[number]])

    def lies(self, number: int) -> bool:
        """A thing of the layout rests on the table."""
        return self._height(number) < _RESTING_M

    def target_position(self, number: int = 0) -> Array:
        """Where a target of the layout lies, float64 (3,), m, in the base frame."""
        return np.array(self.robot.data.mocap_pos[self._targets[number]])

    @property
    def goal_position(self) -> Array:
        """Where the thing is to go, float64 (2,), x and y in the base frame, m."""
        way = way_m(self.layout.target_cells[0], self.layout.goal.relation)
        return np.asarray(self.target_position()[:2] + way)

    @property
    def holds_thing(self) -> bool:
        """The thing that is asked for is between the fingers, off the table."""
        return holds(self._height(), float(np.linalg.norm(self.thing_position() - self.robot.tip)))

    def scene(self) -> dict[str, float]:
        """Offset from thing to grasp point (``tip_*``) and from goal to thing, the thing's ``height``, and the hand.

        ``thing_x`` and ``thing_y``: where the thing is in the base frame, m; ``opening`` and ``width``, what the hand
        closes on, m; ``force``, N.
        """
        thing = self.thing_position()
        x, y, z = self.robot.tip - thing
        goal_x, goal_y = thing[:2] - self.goal_position
        return {
            "thing_x": float(thing[0]),
            "thing_y": float(thing[1]),
            "tip_x": float(x),
            "tip_y": float(y),
            "tip_z": float(z),
            "goal_x": float(goal_x),
            "goal_y": float(goal_y),
            "height": self._height(),
            "opening": self.robot.opening,
            "width": 2 * half_width_m(self.layout.goal.thing),
            "force": self.robot.force_n,
        }

    def _begin(self, rng: np.random.Generator) -> None:
        self._lay(rng)
        self.robot.place(REST_M + rng.uniform(-1, 1, 3) * _START_SPREAD_M, opening_m=2 * FINGER_STROKE_M)

    def _look(self) -> Array:
        thing = self.thing_position()
        offset, goal = thing - self.robot.tip, self.goal_position - thing[:2]
        return np.concatenate((offset, offset, goal, goal, [self._height()]))

    def _feel(self) -> Array:
        return np.array([*self.robot.tip, self.robot.opening])

    def _in_goal(self) -> bool:
        """The thing lies there, and the hand has let go."""
        away = np.abs(self.thing_position()[:2] - self.goal_position).max()
        released = self.robot.opening > 2 * half_width_m(self.layout.goal.thing) + _LET_GO_M
        return bool(away < AT_GOAL_M and abs(self._height()) < _RESTING_M and released)

    def _height(self, number: int = 0) -> float:
        """Of a thing over the table, m."""
        return float(self.thing_position(number)[2] - HALF_HEIGHT_M)

    def _lay(self, rng: np.random.Generator) -> None:
        model, data = self.robot.model, self.robot.data
        layout = self.layout = draw(self._goals[rng.integers(len(self._goals))], rng)
        for number, (thing, cell) in enumerate(zip(layout.things, layout.thing_cells, strict=True)):
            shape(model, f"thing_{number}", thing)
            data.qpos[self._poses[number]] = [*_near(cell, rng), HALF_HEIGHT_M, 1, 0, 0, 0]
            data.qvel[self._speeds[number]] = 0
        for number, (target, cell) in enumerate(zip(layout.targets, layout.target_cells, strict=True)):
            shape(model, f"target_{number}", target)
            data.mocap_pos[self._targets[number]] = [*_near(cell, rng), _TARGET_Z_M]


def _near(cell: tuple[int, int], rng: np.random.Generator) -> Array:
    return np.asarray(middle_m(cell) + rng.uniform(-_SPREAD_M, _SPREAD_M, 2))
