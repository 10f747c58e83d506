"""What a language model learns from: passages of tokens, some of them actions, and batches that read each text once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vlmrl_ros.core.text_episode import END, TextEpisode, TextTurn
from vlmrl_ros.policies.language.critic import LanguageModel
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
    """Cut an episode into passages: one where the model has read it as one text, else one for each turn.

    Each answer has the tokens that were drawn, and before it stands what the model has read: the prompt as its text is
    encoded, in which an earlier answer may have other tokens than those that were drawn.

    Args:
        episode: one turn or more.
        tokenizer: of the model.
        discount: gamma of one action token.

    Raises:
        RangeError: a character beyond the vocabulary.
    """
    answers = [_answer(turn, tokenizer) for turn in episode.turns]
    rewards = [(*[0.0] * (len(answer) - 1), turn.reward) for answer, turn in zip(answers, episode.turns, strict=True)]
    to_go = _to_go(rewards, discount)
    prompts = [tokenizer.prompt(turn.observation) for turn in episode.turns]
    final = None if episode.terminated else tokenizer.prompt(episode.final)
    read = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    places = [tuple(range(len(prompt), len(whole))) for prompt, whole in zip(prompts, read, strict=True)]
    if all(prompt[: len(before)] == before for before, prompt in zip(read, prompts[1:], strict=False)):
        return [Passage(read[-1], *(tuple(chain(*of)) for of in (places, rewards, to_go)), final)]
    return [Passage(*one) for one in zip(read, places, rewards, to_go, [*prompts[1:], final], strict=True)]


def _answer(turn: TextTurn, tokenizer: Tokenizer) -> Ids:
    """The tokens that were drawn; those of the text where none were, or where they are of another tokenizer."""
    ids = turn.token_ids
    known = ids and max(ids) < tokenizer.size
    return ids if known and (tokenizer.decode(ids) or END) == turn.action else tokenizer.encode(turn.action)


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
    places: Tensor
    """int64 (M,), rising: where among the U * T tokens something is chosen next."""
    which: Tensor
    """int64 (N,): at which of those places each action token is chosen."""
    token: Tensor
    """int64 (N,)."""
    weight: Tensor
    """float32 (N,): share of each action token in the batch; they add up to 1."""
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
    """int64 (W,): where among the W * S tokens each of them ends."""

    def chosen(self, model: LanguageModel) -> Tensor:
        """What a model knows at the places, float32 (M, D)."""
        return model.hidden(self.ids, self.places)

    def spread(self, values: Tensor) -> Tensor:
        """What was made at the places, float32 (M, ...), for each action token, float32 (N, ...)."""
        return values.index_select(0, self.which)

    def ends(self, model: LanguageModel) -> Tensor:
        """What a model knows at the end of each prompt that follows, float32 (W, D)."""
        return model.hidden(self.after, self.after_place) if len(self.after) else torch.zeros(0, model.width)

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
        self._kinds: dict[tuple[int, int, Ids, tuple[float, ...]], int] = {}
        self._kind: list[int] = []
        self._packed: _Packed | None = None
        self._whole: tuple[Ints | None, TokenBatch] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, passage: Passage) -> None:
        """Keep a passage."""
        self._rows.append(self._number(passage.ids))
        self._after.append(-1 if passage.after is None else self._number(passage.after))
        kind = self._rows[-1], self._after[-1], passage.said, passage.rewards
        self._kind.append(self._kinds.setdefault(kind, len(self._kinds)))
        for kept, given in zip(self._flat, (passage.said, passage.rewards, passage.to_go), strict=True):
            kept.extend(given)
        self._begins.append(len(self._flat[0]))
        self._packed = self._whole = None

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

    def whole(self, index: Ints | None = None) -> TokenBatch:
        """All passages, or those of some numbers, equal ones once: with their share and their mean of ``to_go``.

        Losses that are linear in the weights and square in ``to_go`` have the gradient of all passages. Kept for the
        same ``index`` until something is added.
        """
        if self._whole is None or self._whole[0] is not index:
            numbers = np.arange(len(self)) if index is None else index
            self._whole = index, self._of_each_kind(numbers)
        return self._whole[1]

    def _of_each_kind(self, numbers: Ints) -> TokenBatch:
        _, first, kind, count = np.unique(
            np.array(self._kind)[numbers], return_index=True, return_inverse=True, return_counts=True
        )
        batch, begins, to_go = self.batch(numbers[first]), np.array(self._begins), np.array(self._flat[2])
        lengths = (begins[1:] - begins[:-1])[numbers]
        slots = np.concatenate([[0], np.cumsum(lengths[first])])
        places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        of = np.repeat(slots[kind], lengths) + places
        total = np.bincount(of, to_go[np.repeat(begins[numbers], lengths) + places])
        counts = np.repeat(count, lengths[first])
        return replace(
            batch,
            to_go=torch.from_numpy((total / counts).astype(np.float32)),
            weight=torch.from_numpy((counts / counts.sum()).astype(np.float32)),
        )

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
        places, at = np.unique(row * ids.shape[1] + said - 1, return_inverse=True)
        behind = _filled([self._ids[prompt] for prompt in prompts])
        lengths = np.array([len(self._ids[prompt]) for prompt in prompts], np.int64)
        return TokenBatch(
            ids=torch.from_numpy(ids),
            places=torch.from_numpy(places),
            which=torch.from_numpy(at),
            token=torch.from_numpy(ids[row, said]),
            weight=torch.full((len(row),), 1.0 / len(row)),
            reward=torch.from_numpy(packed.rewards[flat]),
            to_go=torch.from_numpy(packed.to_go[flat]),
            number=torch.from_numpy(flat),
            following=torch.from_numpy(following),
            after=torch.from_numpy(behind),
            after_place=torch.from_numpy(np.arange(len(prompts)) * behind.shape[1] + lengths - 1),
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
