"""Games of asking until the secret is named: the rules that 20 Questions and Guess My City share, and their players."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.text.rollout import Behaviour
from vlmrl_ros.sim.text.rules import Reply

LIMIT = 20
"""Questions of an episode."""
Objects = npt.NDArray[np.int64]
FEW = 2
"""So many objects are named one after the other rather than asked about."""


@dataclass(frozen=True)
class Answer:
    """What an oracle makes of a question."""

    text: str
    question: int | None = None
    """Which of the oracle's questions it is."""
    named: int | None = None
    """Which object it names."""

    @property
    def unparsed(self) -> bool:
        """It was not understood; the text says nothing about the secret."""
        return self.question is None and self.named is None


class Oracle(Protocol):
    """Knows everything about everything. Never changes."""

    system_prompt: str
    names: Sequence[str]
    questions: Sequence[str]
    """As the players of the data ask them."""
    answers: npt.NDArray[np.int64]
    """int (questions, objects): equal for objects of which a question is answered alike."""

    def answer(self, secret: int, question: str) -> Answer:
        """Answer a question about the secret, but for whether it was named rightly."""
        ...

    def naming(self, thing: int) -> str:
        """The question that names an object."""
        ...


class Guessing:
    """-1 for each question, 0 for the one that names the secret; twenty at most."""

    remembers = True

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.system_prompt = oracle.system_prompt

    @property
    def legal_actions(self) -> Sequence[str]:
        """The questions that players of the data ask, and each object's name; other words may be understood, too."""
        return (*self.oracle.questions, *map(self.oracle.naming, range(len(self.oracle.names))))

    def reset(self, rng: np.random.Generator) -> str:
        """Draw the secret."""
        self._secret = int(rng.integers(len(self.oracle.names)))
        self.left: Objects = np.arange(len(self.oracle.names))
        self._asked = 0
        return "Questions:\n"

    def say(self, text: str) -> Reply:
        """Answer, and see whether the secret was named."""
        self._asked += 1
        answer = self.oracle.answer(self._secret, text)
        found = answer.named == self._secret
        if answer.question is not None:
            told = self.oracle.answers[answer.question]
            self.left = self.left[told[self.left] == told[self._secret]]
        elif answer.named is not None:
            self.left = self.left[(self.left == answer.named) == found]
        return Reply(
            f"{answer.text}\n",
            0.0 if found else -1.0,
            None if answer.unparsed else text,
            terminated=found or self._asked >= LIMIT,
            success=found,
            info={"unparsed": answer.unparsed},
        )

    @property
    def state(self) -> Hashable:
        """Questions asked, and the objects that are left."""
        return self._asked, tuple(self.left.tolist())


def best_question(oracle: Oracle, left: Objects) -> int | None:
    """The question whose answer tells most of what is left; None where to name one is no worse."""
    if len(left) <= FEW:
        return None
    counts = _counts(oracle, left)
    chances = counts / len(left)
    told = -np.sum(chances * np.log(np.where(counts > 0, chances, 1.0)), axis=1)
    best = int(np.argmax(told))
    return best if told[best] > 1e-9 else None


def _counts(oracle: Oracle, left: Objects) -> npt.NDArray[np.int64]:
    """How many of what is left have each answer, int (questions, answers)."""
    rows = oracle.answers[:, left]
    return np.stack([np.bincount(row, minlength=int(oracle.answers.max()) + 1) for row in rows])


def informed(rules: Guessing, rng: np.random.Generator) -> str:
    """Ask what tells most, and name what is left."""
    question = best_question(rules.oracle, rules.left)
    return rules.oracle.naming(int(rules.left[0])) if question is None else rules.oracle.questions[question]


def useful(rules: Guessing, rng: np.random.Generator) -> str:
    """Ask anything that rules something out, and name one of what is left when it is little."""
    tells = np.flatnonzero((_counts(rules.oracle, rules.left) > 0).sum(axis=1) > 1)
    if len(rules.left) <= FEW or not len(tells):
        return rules.oracle.naming(int(rng.choice(rules.left)))
    return rules.oracle.questions[int(rng.choice(tells))]


def careless(rules: Guessing, rng: np.random.Generator) -> str:
    """Ask anything, and in a quarter of the turns name anything that is left."""
    if rng.random() < 0.25:
        return rules.oracle.naming(int(rng.choice(rules.left)))
    return rules.oracle.questions[rng.integers(len(rules.oracle.questions))]


PLAYERS: Mapping[str, tuple[float, Behaviour[Guessing]]] = {
    "careless": (0.6, careless),
    "useful": (0.3, useful),
    "informed": (0.1, informed),
}
"""Of the data: how often, and who."""


def draw_player(rng: np.random.Generator) -> tuple[str, Behaviour[Guessing]]:
    """One of the players of the data."""
    name = str(rng.choice(list(PLAYERS), p=[share for share, _ in PLAYERS.values()]))
    return name, PLAYERS[name][1]


def informed_return(oracle: Oracle) -> float:
    """Mean return of :func:`informed` over all secrets, exactly. A greedy player: no better one is known to us."""
    return _informed_sum(oracle, np.arange(len(oracle.names)), 0) / len(oracle.names)


def _informed_sum(oracle: Oracle, left: Objects, asked: int) -> float:
    if asked == LIMIT or not len(left):
        return 0.0
    question = best_question(oracle, left)
    if question is None:
        return _informed_sum(oracle, left[1:], asked + 1) - (len(left) - 1)
    told = oracle.answers[question, left]
    groups = [left[told == code] for code in np.unique(told)]
    return sum(_informed_sum(oracle, group, asked + 1) for group in groups) - len(left)


def bound(objects: int, answers: int) -> float:
    """What no player's mean return can exceed, by counting: d questions tell at most answers**d objects apart.

    Args:
        objects: equally likely secrets.
        answers: that a question has at most.
    """
    total, asked, left = 0.0, 0, objects
    while left > 0:
        here = min(left, answers**asked)
        total -= here * asked
        left, asked = left - here, asked + 1
    return total / objects
