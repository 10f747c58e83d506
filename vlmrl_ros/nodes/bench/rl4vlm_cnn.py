"""PPO on pictures alone: the policy without language with which RL4VLM is compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.rl4vlm_play import Speaker, Table
from vlmrl_ros.policies.vlm.asking import pixels
from vlmrl_ros.policies.vlm.ppo import PpoConfig
from vlmrl_ros.policies.vlm.ppo_loss import advantages, policy_loss, value_loss
from vlmrl_ros.policies.vlm.stem import Stem
from vlmrl_ros.policies.vlm.surrogate import Descent, minibatches
from vlmrl_ros.sim.cards.prompts import TOLD, answer

FORMULA = re.compile(f"{re.escape(TOLD[0])}(.*){re.escape(TOLD[1])}")
LONGEST = 6
"""Symbols of a formula that are told."""


class CnnPolicy(nn.Module):
    """The stem of the small VLM and a hidden layer; of a points game it is told the formula, as the VLM is in words."""

    def __init__(self, stem: Stem, image_size: int, actions: Sequence[str], seed: int, hidden: int = 256) -> None:
        """Take a stem that has learned to see; it goes on learning."""
        super().__init__()
        self.stem, self._actions = stem, tuple(actions)
        features = stem.config.hidden_size * (image_size // 16) ** 2
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hidden = nn.Sequential(nn.Linear(features + LONGEST * len(actions), hidden), nn.ReLU())
            self.actor, self.critic = nn.Linear(hidden, len(actions)), nn.Linear(hidden, 1)
        nn.init.zeros_(self.critic.weight)
        nn.init.zeros_(self.critic.bias)

    def forward(self, seen: Tensor, formula: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (B, A) and values (B,) of pictures (B, C, H, W) and formulas (B, F)."""
        features = self.hidden(torch.cat([self.stem(seen).last_hidden_state.flatten(1), formula], -1))
        return torch.log_softmax(self.actor(features), -1), self.critic(features)[:, 0]

    def formulas(self, observations: Sequence[TextObservation]) -> Tensor:
        """The formulas that prompts tell, one-hot, float32 (B, F)."""
        told = torch.zeros(len(observations), LONGEST, len(self._actions))
        for row, one in enumerate(observations):
            found = FORMULA.search(one.text)
            for place, symbol in enumerate(found[1].split()[:LONGEST] if found else ()):
                told[row, place, self._actions.index(symbol)] = 1.0
        return told.flatten(1)


@dataclass(frozen=True)
class CnnPlayer:
    """A policy that speaks."""

    policy: CnnPolicy
    processor: Any
    actions: Sequence[str]

    def see(self, observations: Sequence[TextObservation]) -> tuple[Tensor, Tensor]:
        """What the policy takes."""
        return pixels(observations, self.processor), self.policy.formulas(observations)

    def speaker(self, greedy: bool, generator: torch.Generator) -> Speaker:
        """The likeliest action, or one that is drawn."""

        @torch.no_grad()
        def speak(observations: Sequence[TextObservation]) -> list[tuple[str, int]]:
            log_probs, _ = self.policy(*self.see(observations))
            drawn = log_probs.argmax(-1) if greedy else draw(log_probs, generator)
            return [(answer({}, None, self.actions[index]), 1) for index in drawn.tolist()]

        return speak


def draw(log_probs: Tensor, generator: torch.Generator) -> Tensor:
    """Actions, int64 (B,), of log-probabilities (B, A)."""
    return torch.multinomial(log_probs.exp(), 1, generator=generator)[:, 0]


class CnnPpo:
    """The same PPO as that of utterances, where an action is one of a few."""

    def __init__(self, player: CnnPlayer, config: PpoConfig, seed: int, scale: float) -> None:
        """Take a player and what its rewards are multiplied by."""
        self._player, self._config, self._scale = player, config, scale
        self._rng, self._generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        self._descent = Descent(player.policy.parameters(), config)

    def update(self, table: Table, steps: int) -> Mapping[str, float]:
        """Play, and learn from it."""
        moments = [self._moment(table) for _ in range(steps)]
        seen, formulas, actions, old = (torch.cat([part[at] for part in moments]) for at in range(4))
        values, after, rewards, terminated, truncated = (np.stack([part[at] for part in moments]) for at in range(4, 9))
        arrays = advantages(
            rewards, values, after, terminated, terminated | truncated, self._config.discount, self._config.trace
        )
        made, returns, values = (torch.from_numpy(array.reshape(-1)) for array in (*arrays, values))
        made = (made - made.mean()) / (made.std() + 1e-5)
        for index in minibatches(self._rng, len(actions), self._config):
            rows = torch.from_numpy(index)
            log_probs, value = self._player.policy(seen[rows], formulas[rows])
            taken = log_probs.gather(-1, actions[rows, None])[:, 0]
            actor = policy_loss(taken, old[rows], made[rows], self._config.clip)
            critic = value_loss(value, values[rows], returns[rows], self._config.clip)
            self._descent.step(actor + self._config.value_weight * critic)
        self._descent.updates += 1
        return {"reward": float(rewards.mean())}

    @torch.no_grad()
    def _moment(self, table: Table) -> tuple[Any, ...]:
        """One step of all games: tensors of pictures, formulas, actions and log-probabilities; arrays of the rest."""
        seen, formulas = self._player.see(table.observations)
        log_probs, value = self._player.policy(seen, formulas)
        drawn = draw(log_probs, self._generator)
        moves = table.move([answer({}, None, self._player.actions[index]) for index in drawn.tolist()])
        _, then = self._player.policy(*self._player.see([move.step.observation for move in moves]))
        rewards = np.array([move.step.reward * self._scale for move in moves], np.float32)
        ends = [np.array([getattr(move.step, way) for move in moves]) for way in ("terminated", "truncated")]
        old = log_probs.gather(-1, drawn[:, None])[:, 0]
        return seen, formulas, drawn, old, value.numpy(), then.numpy(), rewards, *ends
