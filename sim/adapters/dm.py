"""dm_control environments as tasks: ``dm:reach_site_features`` (manipulation), ``dm:cartpole-swingup`` (suite)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dm_env
import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.spec import CameraSpec, FloatArray, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Observation
from vlmrl_ros.sim.adapters.flat import Flattener, flatten
from vlmrl_ros.sim.gl import without_gl
from vlmrl_ros.sim.joints import JointReader
from vlmrl_ros.sim.rendering import Renderer

with without_gl():
    from dm_control import manipulation, suite

_VIEW = "front"
_DEFAULT_HORIZON = 1000
_MAX_RENDER = (1080, 1920)


@dataclass(frozen=True)
class DmConfig:
    """Options of every ``dm:`` task."""

    observation: str = option(
        "state", "state: features; both: features and the first camera", choices=("state", "both")
    )
    image_size: int = option(128, "height and width of the camera", unit="px", low=16, high=1080)
    horizon: int = option(0, "control steps of an episode; 0: as the environment defines it", low=0)
    success_reward: float = option(0.9, "reward of a step that counts as success; dm_control's lie in 0 to 1", unit="1")


def names() -> tuple[str, ...]:
    """All names: manipulation tasks with features, and ``domain-task`` of the suite."""
    arms = [name for name in manipulation.ALL if name.endswith("_features")]
    return (*arms, *(f"{domain}-{task}" for domain, task in suite.ALL_TASKS))


def build(name: str, config: Mapping[str, Any]) -> DmTask:
    """Load an environment by name.

    Raises:
        UnknownNameError: no such environment or option.
        ConfigError: an option out of range.
    """
    if name not in names():
        raise UnknownNameError("dm_control environment", name, names())
    return DmTask(name, from_mapping(DmConfig, config, f"task dm:{name}"))


class DmTask:
    """Discounts pass through unchanged, so that termination (0) and truncation (1) stay apart."""

    def __init__(self, name: str, config: DmConfig) -> None:
        """Load the environment."""
        self._config = config
        self.options = to_mapping(config)
        self._env = _load(name)
        bounds = {key: _bounds(part) for key, part in self._env.observation_spec().items()}
        self._flattener = Flattener(bounds)
        size = config.image_size
        self.spec = TaskSpec(
            task=f"dm:{name}",
            observation=self._flattener.spec,
            action=_action_spec(self._env.action_spec()),
            cameras=(CameraSpec(_VIEW, size, size),) if config.observation == "both" else (),
            control_dt_s=float(self._env.control_timestep()),
            horizon=config.horizon or _own_horizon(self._env),
        )
        self._renderer: Renderer | None = None
        self._joints = JointReader(self._env.physics.model.ptr)
        self._step, self._reward, self._success = 0, 0.0, False

    @property
    def success(self) -> bool:
        """A step of this episode has brought the reward that counts as success."""
        return self._success

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode from a seed drawn from ``rng``."""
        random = self._env.random_state if hasattr(self._env, "random_state") else self._env.task.random
        random.seed(int(rng.integers(2**32)))
        self.close()
        raw = self._env.reset()
        self._joints = JointReader(self._env.physics.model.ptr)
        self._step, self._reward, self._success = 0, 0.0, False
        return dm_env.restart(self._observe(raw))

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Apply float32 (A,)."""
        bounds = self.spec.action
        raw = self._env.step(np.clip(bounds.check(action, "action"), bounds.low, bounds.high).astype(np.float64))
        self._step += 1
        self._reward = float(raw.reward or 0.0)
        self._success = self._success or self._reward >= self._config.success_reward
        observation = self._observe(raw)
        if raw.last():
            return dm_env.TimeStep(dm_env.StepType.LAST, self._reward, float(raw.discount), observation)
        if self._step >= self.spec.horizon:
            return dm_env.truncation(self._reward, observation)
        return dm_env.transition(self._reward, observation)

    def scene(self) -> dict[str, float]:
        """All that can be said of any environment: ``reward`` of the last step and ``success``."""
        return {"reward": self._reward, "success": float(self._success)}

    def joints(self) -> dict[str, float]:
        """Joint positions by name, rad or m."""
        return self._joints.read(self._env.physics.data.ptr)

    def tip(self) -> None:
        """Not known of a foreign environment."""

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """A frame of one of the environment's cameras; ``front`` is its first one."""
        physics = self._env.physics
        if camera == _VIEW and physics.model.ncam:
            camera = physics.model.id2name(0, "camera")
        if self._renderer is None:
            model = physics.model.ptr
            model.vis.global_.offheight, model.vis.global_.offwidth = _MAX_RENDER
            self._renderer = Renderer(model)
        return self._renderer.frame(physics.data.ptr, camera, height, width)

    def close(self) -> None:
        """Free the renderer; a reset may replace the model that it draws."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _observe(self, raw: dm_env.TimeStep) -> Observation:
        observation = dict(self._flattener.observation(dict(flatten(raw.observation))))
        for camera in self.spec.cameras:
            observation[camera.name] = self.render(camera.name, camera.height, camera.width)
        return observation


def _load(name: str) -> Any:
    if "-" in name:
        domain, task = name.split("-", 1)
        return suite.load(domain, task)
    return manipulation.load(name)


def _own_horizon(env: Any) -> int:
    """The limit is private in both of dm_control's environment classes: steps in the one, seconds in the other."""
    steps = getattr(env, "_step_limit", None)
    if steps is None:
        steps = env._time_limit / env.control_timestep()
    return int(np.ceil(steps - 1e-6)) if np.isfinite(steps) else _DEFAULT_HORIZON


def _bounds(part: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    free = np.full(part.shape, np.inf)
    low, high = getattr(part, "minimum", -free), getattr(part, "maximum", free)
    return np.broadcast_to(low, part.shape), np.broadcast_to(high, part.shape)


def _action_spec(part: Any) -> VectorSpec:
    """Names as dm_control gives them (tab-separated), else numbered."""
    size = int(np.prod(part.shape))
    named = tuple((part.name or "").split("\t"))
    labels = named if len(named) == size and all(named) else tuple(f"action_{i}" for i in range(size))
    low, high = np.broadcast_to(part.minimum, (size,)), np.broadcast_to(part.maximum, (size,))
    return VectorSpec(labels, ("1",) * size, low, high)
