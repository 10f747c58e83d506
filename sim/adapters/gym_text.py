"""Any Gymnasium environment with a finite number of actions as a task in words, by one small class."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.invalid import INVALID, NO_OP, carried_out, ends, penalty
from vlmrl_ros.core.text import TextObservation, TextStep, require_running
from vlmrl_ros.core.text_action import read_action

if TYPE_CHECKING:
    import gymnasium


class GymText(ABC):
    """A :class:`~vlmrl_ros.core.text.TextTask` over an environment with a ``Discrete`` action space.

    A subclass names the actions and tells what is seen::

        class FrozenLake(GymText):
            names = ("left", "down", "right", "up")
            system_prompt = "You cross a frozen lake and avoid the holes."

            def tell(self, observation, image):
                return TextObservation(f"{self.system_prompt} You stand on field {observation}.")

        task = FrozenLake.make("FrozenLake-v1", is_slippery=False)
    """

    names: Sequence[str]
    """One word for each action, in the order of their numbers."""
    system_prompt: str
    invalid = NO_OP
    """What becomes of a text that names no action, of :data:`~vlmrl_ros.core.invalid.INVALID`."""
    max_turns = 1000
    """Utterances after which an episode is truncated, where the environment has not ended it."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        """Take an environment; it is closed with this.

        Raises:
            ConfigError: its actions are not as many as the names, or ``invalid`` is none of the choices.
        """
        if self.invalid not in INVALID:
            raise ConfigError(f"{type(self).__name__}.invalid is '{self.invalid}'; valid: {', '.join(INVALID)}")
        size = getattr(env.action_space, "n", None)
        if size is None or int(size) != len(self.names):
            raise ConfigError(f"{type(self).__name__} names {len(self.names)} actions for {env.action_space}")
        self._env = env
        self._first = int(getattr(env.action_space, "start", 0))
        self._over = True

    @classmethod
    def make(cls, name: str, **options: Any) -> GymText:
        """Over a registered environment, with its pictures where it has any."""
        gym = importlib.import_module("gymnasium")
        return cls(gym.make(name, **{"render_mode": "rgb_array", **options}))

    @abstractmethod
    def tell(self, observation: Any, image: np.ndarray | None) -> TextObservation:
        """The prompt, complete in itself.

        Args:
            observation: as the environment gave it.
            image: uint8 (H, W, 3) RGB; None where the environment shows none.
        """

    def succeeded(self, reward: float, info: dict[str, Any], terminated: bool) -> bool:
        """Whether an episode that has ended counts as done: by default, its last reward is above 0."""
        return reward > 0

    @property
    def legal_actions(self) -> Sequence[str]:
        """The same at each step, unless a subclass knows better."""
        return self.names

    def reset(self, seed: int) -> TextObservation:
        """Begin an episode from a seed."""
        self._seen, _ = self._env.reset(seed=seed)
        self._rng = np.random.default_rng([seed, 1])
        self._turns, self._over = 0, False
        return self._tell()

    def step(self, text: str) -> TextStep:
        """Carry out what a text says.

        Raises:
            RuntimeError: the episode has ended.
        """
        require_running(self._over)
        said = read_action(text, self.legal_actions)
        word = carried_out(said, self.invalid, self.legal_actions, self._rng)
        reward, terminated, truncated, about = penalty(said, self.invalid), ends(said, self.invalid), False, {}
        if word is not None:
            number = self._first + list(self.names).index(word)
            self._seen, gained, terminated, truncated, about = self._env.step(number)
            reward = float(gained)
        self._turns += 1
        truncated = not terminated and (truncated or self._turns >= self.max_turns)
        self._over = terminated or truncated
        info: dict[str, Any] = {"action": word, "valid": said.valid, "anchor": repr(self._seen)}
        if self._over:
            info["success"] = self.succeeded(reward, about, terminated)
        return TextStep(self._tell(), reward, terminated, truncated, info)

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _tell(self) -> TextObservation:
        image: Any = self._env.render() if self._env.render_mode == "rgb_array" else None
        return self.tell(self._seen, image)
