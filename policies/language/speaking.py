"""Answers of a language model, token after token; a critic shifts what it would say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.tokenizer import Tokenizer


@dataclass
class Speaker:
    """Draws tokens from ``softmax((log pi + beta min Q) / temperature)``, LMRL-Gym's perturbed decoding.

    Rows that have read and said the same share one state, so that equal prompts cost as much as one.

    Attributes:
        tokenizer: of the models.
        model: pi, a :class:`~vlmrl_ros.policies.language.critic.LanguageModel` that can ``begin`` and ``advance``.
        critic: Q; None leaves what pi would say.
        beta: weight of Q.
        temperature: of the draw; 0 takes the likeliest token.
        most: longest answer in tokens.
    """

    tokenizer: Tokenizer
    model: Any
    critic: Critic | None = None
    beta: float = 0.0
    temperature: float = 1.0
    most: int = 16

    @torch.no_grad()
    def answer(self, prompts: Sequence[str], generator: torch.Generator) -> list[str]:
        """One answer to each prompt, its end included unless it grew too long.

        Raises:
            RangeError: a prompt that leaves no room for an answer, or a character beyond the vocabulary.
        """
        rows: dict[int, list[int]] = defaultdict(list)
        encoded = [self.tokenizer.prompt(prompt) for prompt in prompts]
        for number, ids in enumerate(encoded):
            if len(ids) + self.most > self.model.context:
                raise RangeError(
                    f"a prompt has {len(ids)} tokens and an answer up to {self.most}; the context holds"
                    f" {self.model.context}"
                )
            rows[len(ids)].append(number)
        said: list[list[int]] = [[] for _ in prompts]
        for numbers in rows.values():
            for number, ids in zip(numbers, self._say([encoded[n] for n in numbers], generator), strict=True):
                said[number] = ids
        return [self.tokenizer.decode(ids) for ids in said]

    def _say(self, prompts: list[tuple[int, ...]], generator: torch.Generator) -> list[list[int]]:
        """Answers to prompts of one length, as ids."""
        differing = sorted(set(prompts))
        place = {prompt: number for number, prompt in enumerate(differing)}
        state = torch.tensor([place[prompt] for prompt in prompts])
        row, said = torch.arange(len(prompts)), [list[int]() for _ in prompts]
        speech = _Speech(self, torch.tensor(differing))
        for step in range(self.most):
            scores = speech.scores()
            drawn = self._draw(scores, state, generator)
            for number, token in zip(row.tolist(), drawn.tolist(), strict=True):
                said[number].append(token)
            going = drawn != self.tokenizer.end
            if step + 1 == self.most or not going.any():
                break
            row, reached = row[going], state[going] * scores.shape[1] + drawn[going]
            branches, state = torch.unique(reached, return_inverse=True)
            speech.advance(branches // scores.shape[1], branches % scores.shape[1])
        return said

    def _draw(self, scores: Tensor, state: Tensor, generator: torch.Generator) -> Tensor:
        if not self.temperature:
            return scores.argmax(-1)[state]
        chances = torch.softmax(scores / self.temperature, -1)
        return torch.multinomial(chances[state], 1, generator=generator)[:, 0]


@dataclass
class _Speech:
    """States of both models after what was read and said."""

    speaker: Speaker
    prompts: Tensor
    parts: list[list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        critic = self.speaker.critic
        models = [self.speaker.model, *([critic.trunk] if critic is not None else ())]
        self.parts = [[model, *model.begin(self.prompts, self.speaker.most)] for model in models]

    def scores(self) -> Tensor:
        """Logits of the next token, float32 (S, V)."""
        model, _, hidden = self.parts[0]
        scores = torch.log_softmax(model.logits(hidden), -1)
        critic = self.speaker.critic
        return scores if critic is None else scores + self.speaker.beta * critic.least(self.parts[1][2])

    def advance(self, parents: Tensor, tokens: Tensor) -> None:
        """Go on from these states, int64 (S',), each with one token."""
        for part in self.parts:
            model, cache, hidden = part
            if len(parents) != len(hidden) or not torch.equal(parents, torch.arange(len(hidden))):
                cache.select(parents)
            part[2] = model.advance(cache, tokens)
