"""A tanh-Gaussian multilayer perceptron that acts, in numpy: no torch in the control loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation, state_of

if TYPE_CHECKING:
    from vlmrl_ros.policies.networks.sight import Sight

LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0
"""Range of the logarithm of the standard deviation before the tanh; the learners clip to the same."""

_MEMORY = 0.9


@dataclass(frozen=True)
class GaussianConfig:
    """Options of the Gaussian policy."""

    weights: str = option(
        "actor", "weights that act: the newest, or their moving average", choices=("actor", "actor_ema")
    )
    explore: bool = option(True, "sample the action; otherwise take the mode")


class GaussianPolicy:
    """Acts by ``tanh(mean + std * noise)``, mapped to the bounds of the action.

    Before the first weights it moves at random, smoothly and within the bounds, in the same way on every task.
    """

    def __init__(self, spec: TaskSpec, config: GaussianConfig) -> None:
        """Start without weights.

        Raises:
            ConfigError: the task has no low-dimensional observation.
        """
        if not spec.observation.size:
            raise ConfigError(f"policy 'gaussian' needs a state observation; task '{spec.task}' has cameras only")
        self._spec = spec
        self._config = config
        self.options = to_mapping(config)
        self._layers: list[tuple[FloatArray, FloatArray]] = []
        self._sight: Sight | None = None
        self.reset()

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action for one observation.

        Args:
            observation: ``"state"`` float32 (N,) in SI units, and frames uint8 (H, W, 3) by camera where the weights
                use them.
            rng: source of the exploration noise.

        Returns:
            float32 (A,) in the units and within the bounds of the spec, and no further information.

        Raises:
            ShapeError: the state does not fit the spec.
            NonFiniteError: a component of the state is NaN or infinite.
        """
        state = self._spec.observation.check(state_of(observation), "observation/state")
        inputs = self._spec.observation.normalise(state)
        if self._sight is not None:
            inputs = np.concatenate((inputs, self._sight.look(observation)))
        squashed = np.tanh(self._unbounded(inputs, rng))
        return self._spec.action.denormalise(squashed), {}

    def reset(self) -> None:
        """Begin another random motion, where there are no weights yet."""
        self._drift = np.zeros(self._spec.action.size, np.float32)

    def load(self, variables: Variables) -> None:
        """Take new weights; names as :func:`layer_names` says, under ``actor/`` and ``actor_ema/``.

        Raises:
            CheckpointError: names, shapes or values do not fit the spec; the old weights stay in force.
        """
        prefix = f"{self._config.weights}/"
        mine = {name[len(prefix) :]: value for name, value in variables.items() if name.startswith(prefix)}
        hidden = sum(name.startswith("hidden_") for name in mine) // 2
        expected = layer_names(hidden)
        if set(mine) != set(expected):
            raise CheckpointError(f"weights '{prefix}' are {sorted(mine)}; expected {sorted(expected)}")
        layers = [(np.asarray(mine[w], np.float32), np.asarray(mine[b], np.float32)) for w, b in _pairs(expected)]
        sight = self._sight_in(variables)
        self._check(layers, expected, sight.width if sight is not None else 0)
        self._layers, self._sight = layers, sight

    def _sight_in(self, variables: Variables) -> Sight | None:
        """What looks at the frames, where these weights use them."""
        if not any(name.startswith("sight/") for name in variables):
            return None
        # loads torch: only where there are cameras
        from vlmrl_ros.policies.networks.sight import AVERAGE, NEWEST, read_sight

        prefix = AVERAGE if self._config.weights == "actor_ema" else NEWEST
        return read_sight(self._spec.cameras, variables, prefix)

    def _unbounded(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """The action before the tanh, float32 (A,)."""
        noise = rng.standard_normal(self._spec.action.size, np.float32)
        if not self._layers:
            self._drift = np.float32(_MEMORY) * self._drift + np.float32(np.sqrt(1 - _MEMORY**2)) * noise
            return self._drift
        *hidden, mean, log_std = self._layers
        for weight, bias in hidden:
            x = np.maximum(weight @ x + bias, 0)
        mode: FloatArray = mean[0] @ x + mean[1]
        if not self._config.explore:
            return mode
        std = np.exp(np.clip(log_std[0] @ x + log_std[1], LOG_STD_MIN, LOG_STD_MAX))
        return mode + std * noise

    def _check(self, layers: list[tuple[FloatArray, FloatArray]], names: tuple[str, ...], features: int) -> None:
        inputs, actions = self._spec.observation.size + features, self._spec.action.size
        for index, (weight, bias) in enumerate(layers):
            head = index >= len(layers) - 2
            outputs = actions if head else bias.size
            if weight.shape != (outputs, inputs) or bias.shape != (outputs,):
                raise CheckpointError(
                    f"weights '{names[2 * index]}' have shapes {weight.shape} and {bias.shape};"
                    f" expected ({outputs}, {inputs}) and ({outputs},) for task '{self._spec.task}'"
                )
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise CheckpointError(f"weights '{names[2 * index]}' or their bias are not finite")
            inputs = inputs if head else outputs


def layer_names(hidden: int) -> tuple[str, ...]:
    """Names of an actor's variables, weight (out, in) and bias (out,) in turn: hidden layers, mean, log_std."""
    layers = [f"hidden_{index}" for index in range(hidden)] + ["mean", "log_std"]
    return tuple(f"{layer}/{part}" for layer in layers for part in ("weight", "bias"))


def build(spec: TaskSpec, config: Mapping[str, Any]) -> GaussianPolicy:
    """Entry point of the policy plug-in ``gaussian``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or a task without a state observation.
    """
    return GaussianPolicy(spec, from_mapping(GaussianConfig, config, "policy"))


def _pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(names[::2], names[1::2], strict=True))
