"""What a language model learns from: passages of tokens, some of them actions, and batches that read each text once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.policies.language.tokenizer import Tokenizer

Ids = tuple[int, ...]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Passage:
    """Text that is read in one go: prompts and answers in turn, the last of them an answer."""

    ids: Ids
    said: Ids
    """Places of the action tokens in ``ids``, rising."""
    rewards: tuple[float, ...]
    """Of each action token: that of an answer lies on its last token."""
    to_go: tuple[float, ...]
    """Discounted sum of the rewards from each action token to the end of the episode, a step being an action token."""
    after: Ids | None
    """The prompt that follows, whose first action token comes next; None where the episode terminated."""


def passages_of(episode: TextEpisode, tokenizer: Tokenizer, discount: float) -> list[Passage]:
    """Cut an episode into passages: one where it grows as one text, else one for each turn.

    Args:
        episode: one turn or more.
        tokenizer: of the model.
        discount: gamma of one action token.

    Raises:
        RangeError: a character beyond the vocabulary.
    """
    answers = [tokenizer.encode(turn.action) for turn in episode.turns]
    rewards = [(*[0.0] * (len(answer) - 1), turn.reward) for answer, turn in zip(answers, episode.turns, strict=True)]
    to_go = _to_go(rewards, discount)
    prompts = [tokenizer.prompt(turn.observation) for turn in episode.turns]
    final = None if episode.terminated else tokenizer.prompt(episode.final)
    if not episode.grows:
        after = [*prompts[1:], final]
        rows = zip(prompts, answers, rewards, to_go, after, strict=True)
        return [
            Passage(prompt + answer, tuple(range(len(prompt), len(prompt) + len(answer))), reward, worth, follows)
            for prompt, answer, reward, worth, follows in rows
        ]
    ids: Ids = ()
    said: list[int] = []
    told = 0
    for turn, answer in zip(episode.turns, answers, strict=True):
        heard = turn.observation[told:]
        ids += tokenizer.encode(heard) if ids else tokenizer.prompt(heard)
        said += range(len(ids), len(ids) + len(answer))
        ids += answer
        told = len(turn.observation) + len(turn.action)
    return [Passage(ids, tuple(said), tuple(chain(*rewards)), tuple(chain(*to_go)), final)]


def _to_go(rewards: Sequence[Sequence[float]], discount: float) -> list[tuple[float, ...]]:
    made: list[tuple[float, ...]] = []
    running = 0.0
    for turn in reversed(rewards):
        backwards = []
        for reward in reversed(turn):
            running = reward + discount * running
            backwards.append(running)
        made.append(tuple(backwards[::-1]))
    return made[::-1]


@dataclass(frozen=True)
class TokenBatch:
    """Passages side by side. Equal texts are read once, however many of the passages have them."""

    ids: Tensor
    """int64 (U, T): the texts that differ, filled up on the right."""
    row: Tensor
    """int64 (N,): in which text each action token is."""
    place: Tensor
    """int64 (N,): the place before it, at which it is chosen."""
    token: Tensor
    """int64 (N,)."""
    reward: Tensor
    """float32 (N,)."""
    to_go: Tensor
    """float32 (N,)."""
    number: Tensor
    """int64 (N,): of each action token among all of the memory."""
    following: Tensor
    """int64 (N,): where the next action token is chosen: 0 to N - 1 here, from N on in ``after``; N + W nowhere."""
    after: Tensor
    """int64 (W, S): the prompts that differ among those that follow, filled up on the right."""
    after_place: Tensor
    """int64 (W,): the last place of each."""

    def chosen(self, hidden: Tensor) -> Tensor:
        """What is known where action tokens are chosen, float32 (N, D), of float32 (U, T, D)."""
        # index_select: its gradient is quicker than that of indexing
        return hidden.flatten(0, 1).index_select(0, self.row * hidden.shape[1] + self.place)

    def ends(self, hidden: Tensor) -> Tensor:
        """What is known at the end of each prompt that follows, float32 (W, D), of float32 (W, S, D)."""
        return hidden[torch.arange(len(self.after)), self.after_place]

    def next_values(self, here: Tensor, after: Tensor) -> Tensor:
        """The value at the next action token, float32 (N,), of values float32 (N,) and (W,); 0 where none follows."""
        return torch.cat([here, after, here.new_zeros(1)])[self.following]


class PassageMemory:
    """All passages, each text kept once."""

    def __init__(self) -> None:
        """Begin empty."""
        self._texts: dict[Ids, int] = {}
        self._ids: list[Ints] = []
        self._rows: list[int] = []
        self._after: list[int] = []
        self._flat: tuple[list[int], list[float], list[float]] = ([], [], [])
        self._begins: list[int] = [0]
        self._packed: _Packed | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, passage: Passage) -> None:
        """Keep a passage."""
        self._rows.append(self._number(passage.ids))
        self._after.append(-1 if passage.after is None else self._number(passage.after))
        for kept, given in zip(self._flat, (passage.said, passage.rewards, passage.to_go), strict=True):
            kept.extend(given)
        self._begins.append(len(self._flat[0]))
        self._packed = None

    def _number(self, ids: Ids) -> int:
        number = self._texts.setdefault(ids, len(self._ids))
        if number == len(self._ids):
            self._ids.append(np.array(ids, np.int64))
        return number

    def mean_to_go(self) -> float:
        """Mean over all action tokens of the discounted rewards to go; 0 where there are none."""
        return float(np.mean(self._flat[2])) if self._flat[2] else 0.0

    def token_ends(self, passages: Ints) -> Ints:
        """Action tokens before each passage, int64 (K,); the number of all passages gives that of all tokens."""
        return np.array(self._begins)[passages]

    def batch(self, index: Ints) -> TokenBatch:
        """Passages by number, int64 (B,)."""
        packed = self._packed = self._packed or _Packed.of(self._rows, self._after, self._flat, self._begins)
        texts, row = np.unique(packed.rows[index], return_inverse=True)
        begins, counts = packed.begins[index], packed.begins[index + 1] - packed.begins[index]
        ends = np.cumsum(counts)
        flat = np.arange(ends[-1]) + np.repeat(begins - (ends - counts), counts)
        row, said = np.repeat(row, counts), packed.said[flat]
        ids = _filled([self._ids[text] for text in texts])
        after = packed.after[index]
        prompts, which = np.unique(after[after >= 0], return_inverse=True)
        last = np.full(len(index), len(row) + len(prompts))
        last[after >= 0] = len(row) + which
        following = np.arange(1, len(row) + 1)
        following[ends - 1] = last
        behind = [self._ids[prompt] for prompt in prompts]
        return TokenBatch(
            ids=torch.from_numpy(ids),
            row=torch.from_numpy(row),
            place=torch.from_numpy(said - 1),
            token=torch.from_numpy(ids[row, said]),
            reward=torch.from_numpy(packed.rewards[flat]),
            to_go=torch.from_numpy(packed.to_go[flat]),
            number=torch.from_numpy(flat),
            following=torch.from_numpy(following),
            after=torch.from_numpy(_filled(behind)),
            after_place=torch.tensor([len(prompt) - 1 for prompt in behind], dtype=torch.int64),
        )


@dataclass(frozen=True)
class _Packed:
    rows: Ints
    after: Ints
    begins: Ints
    said: Ints
    rewards: Floats
    to_go: Floats

    @classmethod
    def of(
        cls, rows: list[int], after: list[int], flat: tuple[list[int], list[float], list[float]], begins: list[int]
    ) -> _Packed:
        said, rewards, to_go = flat
        return cls(
            *(np.array(one, np.int64) for one in (rows, after, begins, said)),
            *(np.array(one, np.float32) for one in (rewards, to_go)),
        )


def _filled(rows: Sequence[Ints]) -> Ints:
    """Rows of different lengths side by side, int64 (B, longest), filled up with 0 on the right."""
    made = np.zeros((len(rows), max(map(len, rows), default=1)), np.int64)
    for number, row in enumerate(rows):
        made[number, : len(row)] = row
    return made
