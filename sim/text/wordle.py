"""Wordle as in LMRL-Gym: six tries, letters spaced, and letters that occur twice are not counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.rollout import Behaviour, mean_return, mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask, Shared

WORDS = tuple(Path(__file__).with_name("wordle_words.txt").read_text(encoding="utf-8").split())
"""Common words in an order drawn once, so that the first of them are a fair sample."""
TRIES, LETTERS = 6, 5
SOLVED = 3**LETTERS - 1
"""Marks as a number in base 3, first letter first: black 0, yellow 1, green 2; this is green throughout."""
MEASURED = 4096
"""Episodes of which the average of the data is taken."""


@dataclass(frozen=True)
class WordleConfig:
    """Options of Wordle."""

    words: int = option(len(WORDS), "words that may be guessed and may be the secret", low=2, high=len(WORDS))
    consistent: float = option(
        0.34, "data: share of guesses among the words that all marks allow; the others are any word", low=0, high=1
    )


def marks(guess: str, secret: str) -> int:
    """The marks of a guess: green for a letter in its place, yellow for one that the secret has, each by itself."""
    code = 0
    for mine, theirs in zip(guess, secret, strict=True):
        code = 3 * code + (2 if mine == theirs else int(mine in secret))
    return code


@cache
def lexicon(count: int) -> Lexicon:
    """The first words of the list."""
    return Lexicon(count)


class Lexicon(Shared):
    """Words and what each guess would be told of each secret."""

    def __init__(self, count: int) -> None:
        self.words = WORDS[:count]
        self.spelled = tuple(map(spell, self.words))
        self.index = {word: index for index, word in enumerate(self.words)}
        self.table: npt.NDArray[np.int64] = np.array(
            [[marks(mine, word) for word in self.words] for mine in self.words]
        )
        """Marks of each guess (row) for each secret (column), int64 (count, count)."""


def spell(word: str) -> str:
    """A word as it is written: its letters apart."""
    return " ".join(word)


class Wordle:
    """-1 for each guess that is not the secret, one that is no word of the list included; 0 for the secret."""

    remembers = True
    system_prompt = (
        "You guess a secret word of five letters in at most six tries. Each guess is answered by a mark for each "
        "letter: g, it stands there; y, the word has it elsewhere; b, the word does not have it. Write one word, its "
        "letters apart."
    )

    def __init__(self, count: int) -> None:
        self.lexicon = lexicon(count)

    @property
    def legal_actions(self) -> Sequence[str]:
        """Every word of the list."""
        return self.lexicon.spelled

    def reset(self, rng: np.random.Generator) -> str:
        """Draw the secret."""
        self._secret = int(rng.integers(len(self.lexicon.words)))
        self.consistent = np.arange(len(self.lexicon.words))
        self._said: tuple[str, ...] = ()
        return "Wordle:\n"

    def say(self, text: str) -> Reply:
        """Mark a guess."""
        word = text.lower().replace(" ", "")
        guess = self.lexicon.index.get(word)
        self._said = (*self._said, word if guess is not None else "")
        over = len(self._said) == TRIES
        if guess is None:
            return Reply("\n", -1.0, None, terminated=over)
        code = self.lexicon.table[guess, self._secret]
        self.consistent = self.consistent[self.lexicon.table[guess, self.consistent] == code]
        solved = guess == self._secret
        shown = spell("".join("byg"[code // 3**place % 3] for place in reversed(range(LETTERS))))
        return Reply(f"{shown}\n", 0.0 if solved else -1.0, self.lexicon.spelled[guess], over or solved, success=solved)

    @property
    def state(self) -> Hashable:
        """Tries made, and the words that are left."""
        return len(self._said), tuple(self.consistent.tolist())


def any_word(rules: Wordle, rng: np.random.Generator) -> str:
    """Any word of the list."""
    return rules.lexicon.spelled[rng.integers(len(rules.lexicon.spelled))]


def consistent_word(rules: Wordle, rng: np.random.Generator) -> str:
    """A word that all marks allow."""
    return rules.lexicon.spelled[rng.choice(rules.consistent)]


def informed_word(rules: Wordle, rng: np.random.Generator) -> str:
    """The word whose marks tell most of those that are left, one of them where that is equal. It draws nothing.

    Greedy in the entropy of the marks, among all words: close to the best there is, and not proven to be it.
    """
    left = rules.consistent
    if len(left) <= 2:
        return rules.lexicon.spelled[left[0]]
    counts = np.stack([np.bincount(row, minlength=SOLVED + 1) for row in rules.lexicon.table[:, left]])
    chances = counts / len(left)
    told = -np.sum(chances * np.log(np.where(chances > 0, chances, 1.0)), axis=1)
    told[left] += 1e-6
    return rules.lexicon.spelled[int(np.argmax(told))]


def data_policy(share: float) -> Behaviour[Wordle]:
    """At each guess a consistent word with this probability, else any."""
    return lambda rules, rng: (consistent_word if rng.random() < share else any_word)(rules, rng)


def build(options: Mapping[str, Any]) -> RulesTask[Wordle]:
    """The task."""
    return RulesTask(Wordle(from_mapping(WordleConfig, options, "wordle").words))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Games of the data policy."""
    config = from_mapping(WordleConfig, options, "wordle")
    return mixture(RulesTask(Wordle(config.words)), lambda rng: ("mixed", data_policy(config.consistent)), seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """Least return, average of the data (measured), and the mean over all secrets of the most informed guesses."""
    return _normalisation(from_mapping(WordleConfig, options, "wordle"))


@cache
def _normalisation(config: WordleConfig) -> Normalisation:
    data = mixture(RulesTask(Wordle(config.words)), lambda rng: ("mixed", data_policy(config.consistent)), seed=0)
    return Normalisation(-float(TRIES), mean_return(data, MEASURED), informed_return(config.words))


@cache
def informed_return(count: int) -> float:
    """Mean return of :func:`informed_word` over all secrets, exactly."""
    rules = Wordle(count)
    rules.reset(np.random.default_rng(0))
    return _informed_sum(rules, np.arange(count), 0) / count


def _informed_sum(rules: Wordle, left: npt.NDArray[np.int64], tries: int) -> float:
    """Returns that are left to come, summed over the secrets that are left."""
    if tries == TRIES:
        return 0.0
    rules.consistent = left
    guess = rules.lexicon.spelled.index(informed_word(rules, np.random.default_rng(0)))
    codes = rules.lexicon.table[guess, left]
    groups = [left[codes == code] for code in np.unique(codes) if code != SOLVED]
    return sum(_informed_sum(rules, group, tries + 1) - len(group) for group in groups)
