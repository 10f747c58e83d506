"""Any registered Gymnasium environment with box actions as a task: ``gym:FetchReach-v4``."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dm_env
import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import ConfigError, PluginError, RenderError, UnknownNameError
from vlmrl_ros.core.spec import FloatArray, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Observation
from vlmrl_ros.sim.adapters.flat import Flattener, flatten
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.gl import adopt_backend, backend, missing
from vlmrl_ros.sim.joints import JointReader

if TYPE_CHECKING:
    import gymnasium

_COLLECTIONS = ("gymnasium_robotics", "gym_hil")
_SUCCESS_KEYS = ("is_success", "success", "succeed")
_DEFAULT_HORIZON = 1000
_DEFAULT_DT_S = 0.05
_VIEW = "front"
_NEAR = 8
"""So many ids are told that are like one that does not exist."""
_REFUSED = ("toy_text", "tabular", "phys2d", "mujoco_py", "MujocoPy")
"""In the entry points of environments without box actions, or for a MuJoCo that is no more."""


@dataclass(frozen=True)
class GymConfig:
    """Options of every ``gym:`` task."""

    horizon: int = option(0, "control steps of an episode; 0: as registered, 1000 where it is not", low=0)
    success_reward: float = option(
        0.9, "reward of a step that counts as success, where the environment does not say", unit="1"
    )
    success_steps: int = option(1, "steps that count as success with which an episode has succeeded", low=1)
    failure_reward: float = option(
        -math.inf, "reward of a step at or below which an episode has failed and ends, where it would go on", unit="1"
    )


def build(name: str, config: Mapping[str, Any]) -> GymTask:
    """Make a registered environment by id.

    Raises:
        UnknownNameError: no such option.
        ConfigError: no such environment, and ids like it are named; or its action or observation is of a kind that is
            not supported.
        PluginError: it cannot be made.
    """
    return GymTask(name, from_mapping(GymConfig, config, f"task gym:{name}"))


class GymTask:
    """Success comes from ``info`` (``is_success``, ``success``, ``succeed``), else from the reward of a step."""

    def __init__(self, name: str, config: GymConfig) -> None:
        """Make the environment."""
        self._name = f"gym:{name}"
        self._config = config
        self.options = to_mapping(config)
        self._env: Any = _make(name, config.horizon)
        self._flattener = Flattener(
            {key: _bounds(self._name, box) for key, box in flatten(_plain(self._env.observation_space))}
        )
        horizon = config.horizon or getattr(self._env.spec, "max_episode_steps", None) or _DEFAULT_HORIZON
        self.spec = TaskSpec(
            task=self._name,
            observation=self._flattener.spec,
            action=_action_spec(self._name, self._env.action_space),
            cameras=self._flattener.cameras,
            control_dt_s=_control_dt_s(self._env),
            horizon=horizon,
        )
        model = getattr(self._env.unwrapped, "model", None)
        self._joints = JointReader(model) if isinstance(model, mujoco.MjModel) else None
        self._step, self._reward, self._successes = 0, 0.0, 0

    @property
    def success(self) -> bool:
        """The environment has reported success in this episode, for ``success_steps`` of its steps."""
        return self._successes >= self._config.success_steps

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode from a seed drawn from ``rng``."""
        raw, _ = self._env.reset(seed=int(rng.integers(2**31)))
        self._step, self._reward, self._successes = 0, 0.0, 0
        return dm_env.restart(self._observe(raw))

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Apply float32 (A,); the environment says what ends an episode, and so does ``failure_reward``."""
        bounds = self.spec.action
        inside = np.clip(bounds.check(action, "action"), bounds.low, bounds.high)
        box = self._env.action_space
        raw, reward, terminated, truncated, info = self._env.step(inside.reshape(box.shape).astype(box.dtype))
        self._step += 1
        self._reward = float(reward)
        self._successes += self._is_success(info)
        observation = self._observe(raw)
        if terminated or self._reward <= self._config.failure_reward:
            return dm_env.termination(self._reward, observation)
        if truncated or self._step >= self.spec.horizon:
            return dm_env.truncation(self._reward, observation)
        return dm_env.transition(self._reward, observation)

    def scene(self) -> dict[str, float]:
        """All that can be said of any environment: ``reward`` of the last step and ``success``."""
        return {"reward": self._reward, "success": float(self.success)}

    def joints(self) -> dict[str, float]:
        """Joint positions by name, rad or m, where the environment is a MuJoCo model."""
        return self._joints.read(self._env.unwrapped.data) if self._joints is not None else {}

    def tip(self) -> None:
        """Not known of a foreign environment."""

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """The environment's own view, called ``front``, brought to size without interpolation."""
        if camera != _VIEW:
            raise UnknownNameError("camera", camera, (_VIEW,))
        try:
            frame: Any = self._env.render()
        except Exception as error:  # the environments' renderers raise errors of many unrelated types
            raise RenderError(missing(backend(), error)) from error
        if isinstance(frame, (list, tuple)):
            frame = frame[0]
        if frame is None:
            raise RenderError(f"task '{self._name}' has no rgb_array view")
        rows = np.arange(height) * frame.shape[0] // height
        columns = np.arange(width) * frame.shape[1] // width
        return np.ascontiguousarray(frame[rows][:, columns], np.uint8)

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _observe(self, raw: Any) -> Observation:
        return self._flattener.observation(dict(flatten(raw)))

    def _is_success(self, info: Mapping[str, Any]) -> bool:
        said = [bool(info[key]) for key in _SUCCESS_KEYS if key in info]
        return any(said) if said else self._reward >= self._config.success_reward


def _make(name: str, horizon: int) -> gymnasium.Env[Any, Any]:
    """Find the id, in the known collections and in the package that its namespace names, and make it."""
    gym = importlib.import_module("gymnasium")
    for package in (name.split("/", 1)[0], *_COLLECTIONS):
        if name not in gym.registry and importlib.util.find_spec(package) is not None:
            importlib.import_module(package)
    if name not in gym.registry:
        raise ConfigError(f"unknown Gymnasium environment '{name}'; near it: {', '.join(_near(name)) or '(none)'}")
    with contextlib.suppress(RenderError):  # most environments do without OpenGL until they are asked for a view
        adopt_backend()
    try:
        creator = gym.spec(name).entry_point
        if isinstance(creator, str):
            creator = gym.envs.registration.load_env_creator(creator)
        modes = getattr(creator, "metadata", {}).get("render_modes", ())
        options: dict[str, Any] = {"render_mode": "rgb_array"} if "rgb_array" in modes else {}
        if horizon:
            options["max_episode_steps"] = horizon
        made: gymnasium.Env[Any, Any] = gym.make(name, disable_env_checker=True, **options)
        made.reset(seed=0)
    except Exception as error:  # constructors of third parties fail in every way
        raise PluginError(f"task 'gym:{name}' cannot be made: {type(error).__name__}: {error}") from error
    return made


def _near(name: str) -> list[str]:
    """Ids like a name, but none of which it is known that they are refused."""
    registry = importlib.import_module("gymnasium").registry
    usable = [one for one, spec in registry.items() if not any(part in str(spec.entry_point) for part in _REFUSED)]
    return difflib.get_close_matches(name, usable, _NEAR, 0.3)


def _plain(space: Any) -> Any:
    """Dict spaces as mappings of their leaves."""
    spaces = getattr(space, "spaces", None)
    return {key: _plain(part) for key, part in spaces.items()} if isinstance(spaces, Mapping) else space


def _bounds(task: str, box: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if type(box).__name__ != "Box":
        raise ConfigError(f"task '{task}' observes a {type(box).__name__} space; supported: Box and Dict of Box")
    return box.low, box.high


def _action_spec(task: str, box: Any) -> VectorSpec:
    if type(box).__name__ != "Box":
        raise ConfigError(f"task '{task}' has a {type(box).__name__} action space; supported: Box")
    size = int(np.prod(box.shape))
    names = tuple(f"action_{i}" for i in range(size))
    return VectorSpec(names, ("1",) * size, np.ravel(box.low), np.ravel(box.high))


def _control_dt_s(env: Any) -> float:
    """Length of a step as the environment states it, by the names in use."""
    for name in ("dt", "control_dt"):
        stated = getattr(env.unwrapped, name, None)
        if isinstance(stated, float):
            return stated
    rate = env.metadata.get("render_fps")
    return 1.0 / rate if rate else _DEFAULT_DT_S
