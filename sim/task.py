"""What all arm tasks share: the control step, the common observation, the end of an episode.

A new task composes a cell, then fills in six small methods of :class:`ArmTask`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import dm_env
import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.spec import CameraSpec, ContextSpec, FloatArray, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Observation
from vlmrl_ros.sim.arena import CAMERAS
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.rendering import Renderer
from vlmrl_ros.sim.robot import LEASH_M, Array, Robot

TIP_SPEED_M_S = 0.1
"""Unless a task has another one: 10 mm a step at 10 Hz."""


@dataclass(frozen=True)
class ArmConfig:
    """Options of every arm task."""

    observation: str = option(
        "state",
        "state: the whole vector; pixels: cameras and proprioception; both",
        choices=("state", "pixels", "both"),
    )
    cameras: tuple[str, ...] = option(CAMERAS, "cameras of the observation, where it has pixels", choices=CAMERAS)
    image_size: int = option(128, "height and width of each camera", unit="px", low=16, high=1080)
    rate_hz: float = option(10.0, "control rate; physics runs at 500 Hz", unit="Hz", low=10.0, high=20.0)
    horizon: int = option(80, "control steps of an episode", low=1)
    post_success_steps: int = option(8, "control steps that an episode goes on after success", low=0)


class Feature(NamedTuple):
    """One component of a named vector: name, SI unit and range, at which it saturates."""

    name: str
    unit: str
    low: float
    high: float


def features(prefix: str, unit: str, bound: float, axes: str = "xyz") -> tuple[Feature, ...]:
    """One symmetric feature for each axis, for example ``hole_x``, ``hole_y``, ``hole_z``."""
    return tuple(Feature(f"{prefix}_{axis}", unit, -bound, bound) for axis in axes)


def vector_spec(parts: Sequence[Feature]) -> VectorSpec:
    """The spec of a vector of features."""
    names, units, low, high = zip(*parts, strict=True)
    return VectorSpec(names, units, np.array(low, np.float32), np.array(high, np.float32))


GRIPPER = Feature("gripper", "1", -1.0, 1.0)
"""Rate of the hand's opening as a share of full speed: negative closes, 0 holds still."""


START_DISTANCE = ContextSpec("start_distance", "1", trivial=0.0, full=1.0)
"""Context: share of its way that the tip has still to go when an episode begins. It is not observed, for it changes
neither reward nor dynamics."""


class Workpiece(NamedTuple):
    """What the arm works on: where it is, and where it is believed to be, float64 (3,), m, in the base frame.

    ``clear_m``: it can be moved by hand when the tip is at least so far above it.
    """

    position: Array
    estimate: Array
    clear_m: float


class ArmTask(ABC):
    """An arm task behind the protocol :class:`~vlmrl_ros.core.interfaces.Task`.

    Reward: 1.0 for each step that ends in the goal region, else 0.0. Success never terminates an episode: it goes on
    for ``post_success_steps`` and is truncated, so that the value of being at the goal is trained and bootstrapped.
    """

    views: ClassVar[Mapping[str, str]] = {"wrist": "arm/wrist", "front": "front", "overview": "overview"}
    """Cameras by name, and what they are called in the model."""
    tip_speed_m_s: ClassVar[float] = TIP_SPEED_M_S
    """Greatest commanded speed of the tip on each axis."""

    def __init__(
        self,
        name: str,
        config: ArmConfig,
        model: mujoco.MjModel,
        *,
        seen: Sequence[Feature],
        felt: Sequence[Feature] = (),
        driven_fingers: bool = False,
        context: ContextSpec | None = None,
    ) -> None:
        """Set up the shared parts.

        Args:
            name: of the task.
            config: the task's configuration.
            model: the compiled cell with the arm and the site ``arm/tip``.
            seen: what :meth:`_look` returns; left out of a pixel observation.
            felt: what :meth:`_feel` returns; in every observation.
            driven_fingers: the action has a gripper component.
            context: what a curriculum may change; :meth:`_begin` heeds it.
        """
        self._config = config
        self.options = to_mapping(config)
        self._driven = driven_fingers
        self._pixels = config.observation != "state"
        self._looks = config.observation != "pixels"
        self.robot = Robot(model, config.rate_hz)
        self._renderer = Renderer(model)
        linear = features("linear", "m/s", self.tip_speed_m_s)
        action = (*linear, GRIPPER) if driven_fingers else linear
        size = config.image_size
        self.spec = TaskSpec(
            task=name,
            observation=vector_spec(
                (*(seen if self._looks else ()), *felt, *_proprioception(action, self.tip_speed_m_s))
            ),
            action=vector_spec(action),
            cameras=tuple(CameraSpec(camera, size, size) for camera in config.cameras) if self._pixels else (),
            control_dt_s=self.robot.control_dt_s,
            horizon=config.horizon,
            context=context,
        )
        self._context = context.full if context is not None else 1.0
        self._horizon = config.horizon
        self._previous = np.zeros(self.spec.action.size, np.float32)
        self._step = 0
        self._succeeded_at: int | None = None
        self._ended = True

    @abstractmethod
    def _begin(self, rng: np.random.Generator) -> None:
        """Arrange the scene of a new episode and place the robot."""

    @abstractmethod
    def shuffle(self, rng: np.random.Generator) -> None:
        """Put the workpiece somewhere else within the task's ranges; the arm does not move."""

    @abstractmethod
    def workpiece(self) -> Workpiece:
        """What the arm works on."""

    @abstractmethod
    def _look(self) -> Array:
        """What the task adds to the state, float64, in the order of ``seen``, SI units; need not be saturated."""

    def _feel(self) -> Array:
        """What the task adds of the arm itself, float64, in the order of ``felt``, SI units."""
        return np.zeros(0)

    @abstractmethod
    def _in_goal(self) -> bool:
        """The arm is in the goal region now."""

    @abstractmethod
    def scene(self) -> dict[str, float]:
        """What a person sees, by name, SI units."""

    @property
    def success(self) -> bool:
        """The goal has been reached in this episode."""
        return self._succeeded_at is not None

    def set_context(self, value: float, extra_steps: int = 0) -> None:
        """See :meth:`~vlmrl_ros.core.interfaces.ContextualTask.set_context`.

        Raises:
            ConfigError: the task has no context.
        """
        if self.spec.context is None:
            raise ConfigError(f"task '{self.spec.task}' has no context for a curriculum to change")
        self._context = self.spec.context.check(value)
        self._horizon = self.spec.horizon + extra_steps

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode; nothing of the one before is left."""
        self.robot.clear()
        self._begin(rng)
        self._previous = np.zeros(self.spec.action.size, np.float32)
        self._step, self._succeeded_at, self._ended = 0, None, False
        return dm_env.restart(self._observe())

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Apply float32 (A,), clipped to the bounds of ``spec.action``, for one control step.

        Raises:
            RuntimeError: the episode is over.
            ShapeError: wrong dimension.
            NonFiniteError: NaN or infinite.
        """
        if self._ended:
            raise RuntimeError(f"task '{self.spec.task}': the episode is over; call reset first")
        bounds = self.spec.action
        self._previous = np.clip(bounds.check(action, "action"), bounds.low, bounds.high)
        self.robot.move(self._previous[:3].astype(np.float64), float(self._previous[3]) if self._driven else None)
        self._step += 1
        in_goal = self._in_goal()
        if in_goal and self._succeeded_at is None:
            self._succeeded_at = self._step
        self._ended = self._is_over()
        observation, reward = self._observe(), float(in_goal)
        return dm_env.truncation(reward, observation) if self._ended else dm_env.transition(reward, observation)

    def joints(self) -> dict[str, float]:
        """Joint positions by name, rad (fingers m)."""
        return self.robot.joints()

    def tip(self) -> FloatArray:
        """Position of the tip, float32 (3,), m, in base_link."""
        return self.robot.tip.astype(np.float32)

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """A frame of one camera of :attr:`views`, uint8 (height, width, 3) RGB.

        Raises:
            UnknownNameError: no such camera.
            RenderError: no OpenGL backend, or an impossible size.
        """
        if camera not in self.views:
            raise UnknownNameError("camera", camera, self.views)
        return self._renderer.frame(self.robot.data, self.views[camera], height, width)

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def _is_over(self) -> bool:
        waited = self._succeeded_at is not None and self._step - self._succeeded_at >= self._config.post_success_steps
        return waited or self._step >= self._horizon

    def _observe(self) -> Observation:
        spec = self.spec.observation
        own = (self._feel(), self.robot.velocity, self.robot.lag, self.robot.force, self._previous)
        state = np.concatenate((self._look(), *own) if self._looks else own).astype(np.float32)
        observation: dict[str, npt.NDArray[Any]] = {"state": np.clip(state, spec.low, spec.high)}
        for camera in self.spec.cameras:
            observation[camera.name] = self.render(camera.name, camera.height, camera.width)
        return observation


def _proprioception(action: Sequence[Feature], tip_speed_m_s: float) -> tuple[Feature, ...]:
    """What the arm feels of itself, in every task."""
    return (
        *features("tip_velocity", "m/s", tip_speed_m_s),
        *features("command_lag", "m", LEASH_M),
        *features("wrist_force", "N", 20.0),
        *(Feature(f"previous_{part.name}", part.unit, part.low, part.high) for part in action),
    )
