"""Single-player games of TextArena as text tasks."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import ConfigError, PluginError, UnknownNameError
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.rules import Reply, RulesTask

RAW = "-raw"
"""Ends the name of a game that gives its messages as they are."""
DECORATION = re.compile(r"\x1b\[[0-9;]*m|\*{3,}")
"""Colours and rulers in what a game says it lacks."""


class ArenaRules:
    """A game; prompts grow by what the player says and what the game answers. The reward comes at the end."""

    remembers = True
    system_prompt = "You play a text game. Follow its rules and answer in the form that it asks for."
    legal_actions: Sequence[str] = ()
    """TextArena's games do not list what may be said."""

    def __init__(self, name: str) -> None:
        """Make the game.

        Raises:
            UnknownNameError: TextArena has no such game.
            PluginError: TextArena, or what the game needs beside it, is missing; or the game itself is broken.
            ConfigError: the game is for several players.
        """
        self._dice = random.Random(0).getstate()
        try:
            self._env = self._with_dice(lambda: _make(name))
            self.reset(np.random.default_rng(0))
        except (AssertionError, ValueError) as error:
            raise ConfigError(f"textarena:{name} is not for a single player: {error}") from error
        except (AttributeError, OSError, SyntaxError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise PluginError(f"textarena:{name} does not run with this TextArena and Python: {reason}") from error

    def reset(self, rng: np.random.Generator) -> str:
        """Begin a game."""
        seed = int(rng.integers(2**31))
        self._dice = random.Random(seed).getstate()
        self._said = 0
        self._with_dice(lambda: self._env.reset(num_players=1, seed=seed))
        return self._news()

    def say(self, text: str) -> Reply:
        """Hand a line to the game."""
        self._said += 1
        done, _ = self._with_dice(lambda: self._env.step(text))
        reward = 0.0
        if done:
            rewards, _ = self._env.close()
            reward = float(rewards[0])
        return Reply(self._news(), reward, text or None, terminated=bool(done), success=reward > 0)

    def _news(self) -> str:
        """Messages since the last ones, but for the player's own, whose parts some games give in another order."""
        _, messages = self._env.get_observation()
        told = (message for sender, message, _ in messages if sender != 0 and isinstance(message, str))
        return "".join(f"{message.rstrip()}\n" for message in told)

    def _with_dice(self, act: Callable[[], Any]) -> Any:
        """Call the game with the random numbers of this game alone: TextArena draws from those of the whole process."""
        outside = random.getstate()
        random.setstate(self._dice)
        try:
            return act()
        finally:
            self._dice = random.getstate()
            random.setstate(outside)

    @property
    def state(self) -> Hashable:
        """Lines said, and what the game keeps, as text."""
        return self._said, repr(self._env.state.game_state)

    def __deepcopy__(self, memo: dict[int, Any]) -> ArenaRules:
        twin = object.__new__(ArenaRules)
        twin.__dict__ |= self.__dict__
        twin._env = copy.deepcopy(self._env, memo)
        return twin


def _make(name: str) -> Any:
    try:
        import textarena
        from textarena.envs.registration import ENV_REGISTRY
    except ImportError as error:
        raise PluginError(
            f"textarena:{name} needs TextArena, which does not load ({error}); run `make setup`"
        ) from error
    games = [known.removesuffix(RAW) for known in ENV_REGISTRY if known.endswith(RAW)]
    if name not in games:
        raise UnknownNameError("game of TextArena", name, games)
    try:
        return textarena.make(name + RAW)
    except (ImportError, LookupError) as error:
        reason = first_line(str(error))
        raise PluginError(f"textarena:{name} lacks a package, or a file of the network: {reason}") from error


def first_line(text: str) -> str:
    """The first line that says something."""
    lines = (line.strip() for line in DECORATION.sub("", text).splitlines())
    return next((line for line in lines if line), "")


@dataclass(frozen=True)
class ArenaConfig:
    """There are no options."""


@dataclass(frozen=True)
class ArenaGame:
    """A game as a plug-in, without data and scores."""

    name: str

    def build(self, options: Mapping[str, Any]) -> RulesTask[ArenaRules]:
        """The task."""
        from_mapping(ArenaConfig, options, f"textarena:{self.name}")
        return RulesTask(ArenaRules(self.name))

    def episodes(self, options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
        """None: TextArena has no players of its own.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"textarena:{self.name} has no data: valid are bags of episodes, or 0 episodes for a learner that learns"
            " from its own and clones nothing"
        )

    def normalisation(self, options: Mapping[str, Any]) -> Normalisation:
        """None.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(f"textarena:{self.name} has no data to normalise by; compare returns")
