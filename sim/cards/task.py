"""The card games as tasks whose actions are text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.invalid import RANDOM, carried_out, ends, invalid_option, penalty
from vlmrl_ros.core.text import TextObservation, TextStep, require_running
from vlmrl_ros.core.text_action import TextAction, read_action
from vlmrl_ros.sim.cards.blackjack import Blackjack
from vlmrl_ros.sim.cards.demonstrations import Teacher
from vlmrl_ros.sim.cards.game import CardGame, Outcome
from vlmrl_ros.sim.cards.number_line import NumberLine
from vlmrl_ros.sim.cards.picture import SIZE, draw_game, photograph
from vlmrl_ros.sim.cards.points import EZPoints, Points24
from vlmrl_ros.sim.cards.prompts import answer, prompt, system_prompt

GAMES: dict[str, type[CardGame]] = {game.name: game for game in (NumberLine, EZPoints, Points24, Blackjack)}


@dataclass(frozen=True)
class CardTaskConfig:
    """Options of a card game."""

    thoughts: bool = option(True, "answers begin with what is seen and with thoughts, before the action")
    invalid: str = invalid_option(RANDOM)
    size: int = option(SIZE, "height and width of the picture", unit="px", low=16, high=SIZE)
    shift: int = option(0, "the picture is moved by up to so many of its pixels, at random", unit="px", low=0, high=16)
    noise: float = option(0.0, "standard deviation of the noise on the picture, of 255", low=0.0, high=255.0)
    max_invalid: int = option(
        10, "no-op, penalty: so many texts without an action end the episode by truncation", low=1, high=1000
    )


class CardTask:
    """A :class:`~vlmrl_ros.core.text.TaughtTask`; whoever shows it makes no mistakes."""

    def __init__(self, game: str, config: CardTaskConfig | None = None) -> None:
        """Take a game.

        Args:
            game: one of :data:`GAMES`.
            config: options.

        Raises:
            UnknownNameError: no such game.
        """
        if game not in GAMES:
            raise UnknownNameError("card game", game, GAMES)
        self.game = GAMES[game]()
        self._config = config or CardTaskConfig()
        self.system_prompt = system_prompt(self.game)
        self._over = True

    @property
    def legal_actions(self) -> Sequence[str]:
        """The same at each step; what is out of turn costs."""
        return self.game.actions

    def reset(self, seed: int) -> TextObservation:
        """Deal from a seed."""
        self._rng, self._eye = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
        self.game.reset(np.random.default_rng([seed, 0]))
        self._return, self._invalid, self._over = 0.0, 0, False
        return self._observe()

    def step(self, text: str) -> TextStep:
        """Carry out what a text says.

        Raises:
            RuntimeError: the episode has ended, or none has begun.
        """
        require_running(self._over)
        said = read_action(text, self.legal_actions)
        action = carried_out(said, self._config.invalid, self.legal_actions, self._rng)
        outcome = self._refuse(said) if action is None else self.game.act(action)
        self._return += outcome.reward
        self._over = outcome.terminated or outcome.truncated
        info: dict[str, Any] = {"action": action, "valid": said.valid, "anchor": self.game.state}
        if self._over:
            info["success"] = self._return > 0
        return TextStep(self._observe(), outcome.reward, outcome.terminated, outcome.truncated, info)

    def demonstrate(self) -> str:
        """What leads on now, with what is seen and a thought where the prompt asks for them."""
        if not self._config.thoughts:
            return answer({}, None, self.game.solution())
        return answer(self.game.facts, *Teacher().show(self.game, np.random.default_rng(0)))

    def close(self) -> None:
        """Nothing is held."""

    def _refuse(self, said: TextAction) -> Outcome:
        self._invalid += 1
        over, many = ends(said, self._config.invalid), self._invalid >= self._config.max_invalid
        return Outcome(penalty(said, self._config.invalid), terminated=over, truncated=many and not over)

    def _observe(self) -> TextObservation:
        config = self._config
        seen = photograph(draw_game(self.game), config.size, config.shift, config.noise, self._eye)
        return TextObservation(prompt(self.game, config.thoughts), (seen,))
