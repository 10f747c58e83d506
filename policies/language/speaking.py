"""Answers of a language model, token after token; a critic shifts what it would say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.text import Answer
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.passages import Ids
from vlmrl_ros.policies.language.tokenizer import Tokenizer

MOST_REMEMBERED = 1 << 22
"""Logits."""


@dataclass
class Speaker:
    """Draws tokens from ``softmax((log pi + beta min Q) / temperature)``, LMRL-Gym's perturbed decoding.

    What was read before is remembered, so that equal prompts cost as much as one. The weights must not change.

    Attributes:
        tokenizer: of the models.
        model: pi, a :class:`~vlmrl_ros.policies.language.critic.LanguageModel` that can ``begin`` and ``advance``.
        critic: Q; None leaves what pi would say.
        beta: weight of Q.
        temperature: of the draw; 0 takes the likeliest token.
        most: longest answer in tokens.
        remembered: logits of the next token, float32 (V,), by what was read.
    """

    tokenizer: Tokenizer
    model: Any
    critic: Critic | None = None
    beta: float = 0.0
    temperature: float = 1.0
    most: int = 16
    remembered: dict[Ids, Tensor] = field(default_factory=dict, repr=False)

    @torch.no_grad()
    def answer(self, prompts: Sequence[str], generator: torch.Generator) -> list[Answer]:
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
        said: list[Ids] = [()] * len(prompts)
        for numbers in rows.values():
            for number, ids in zip(numbers, self._say([encoded[n] for n in numbers], generator), strict=True):
                said[number] = ids
        return [Answer(self.tokenizer.decode(ids), ids) for ids in said]

    def _say(self, prompts: list[Ids], generator: torch.Generator) -> list[Ids]:
        """Answers to prompts of one length, as ids."""
        said: list[Ids] = [()] * len(prompts)
        going, speech = list(range(len(prompts))), _Speech(self)
        for _ in range(self.most):
            texts = [prompts[row] + said[row] for row in going]
            differing = sorted(set(texts))
            number = {text: index for index, text in enumerate(differing)}
            scores = speech.scores(differing)
            drawn = self._draw(scores, torch.tensor([number[text] for text in texts]), generator).tolist()
            for row, token in zip(going, drawn, strict=True):
                said[row] += (token,)
            going = [row for row, token in zip(going, drawn, strict=True) if token not in self.tokenizer.ends]
            if not going:
                break
        return said

    def _draw(self, scores: Tensor, state: Tensor, generator: torch.Generator) -> Tensor:
        if not self.temperature:
            return scores.argmax(-1)[state]
        chances = torch.softmax(scores / self.temperature, -1)
        return torch.multinomial(chances[state], 1, generator=generator)[:, 0]


class _Speech:
    """Scores of the next token of texts that grow by one token at a time; reads what is not remembered."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        critic = speaker.critic
        self._models = [speaker.model, *([critic.trunk] if critic is not None else ())]
        self._read: dict[Ids, int] = {}
        self._states: list[tuple[Any, Tensor]] = []

    def scores(self, texts: list[Ids]) -> Tensor:
        """Logits of the next token, float32 (S, V), of texts of one length, each once."""
        remembered = self._speaker.remembered
        if not all(text in remembered for text in texts):
            self._go_on(texts)
            if (len(remembered) + len(texts)) * self._speaker.model.vocabulary > MOST_REMEMBERED:
                remembered.clear()
            remembered.update(zip(texts, self._scores(), strict=True))
        return torch.stack([remembered[text] for text in texts])

    def _go_on(self, texts: list[Ids]) -> None:
        """Read the texts: their last tokens where all before was read just now, else from the first on."""
        parents = [self._read.get(text[:-1]) for text in texts]
        self._read = {text: index for index, text in enumerate(texts)}
        if None in parents:
            ids, room = torch.tensor(texts), self._speaker.most
            self._states = [model.begin(ids, room) for model in self._models]
            return
        rows, tokens = torch.tensor(parents), torch.tensor([text[-1] for text in texts])
        for index, (model, (cache, known)) in enumerate(zip(self._models, self._states, strict=True)):
            if not torch.equal(rows, torch.arange(len(known))):
                cache.select(rows)
            self._states[index] = cache, model.advance(cache, tokens)

    def _scores(self) -> Tensor:
        scores = torch.log_softmax(self._speaker.model.logits(self._states[0][1]), -1)
        critic = self._speaker.critic
        return scores if critic is None else scores + self._speaker.beta * critic.least(self._states[1][1])
