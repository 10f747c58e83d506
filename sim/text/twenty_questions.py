"""20 Questions by rules: an answerer that looks everything up, in place of LMRL-Gym's language model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.guessing import LIMIT, Answer, Guessing, draw_player, informed_return
from vlmrl_ros.sim.text.questions import ATTRIBUTES, knowledge
from vlmrl_ros.sim.text.rollout import mixture
from vlmrl_ros.sim.text.rules import RulesTask, Shared

DATA_AVERAGE = -15.46
"""Mean return of :func:`episodes`, 700 of seed 0."""


@dataclass(frozen=True)
class TwentyQuestionsConfig:
    """There are no options."""


class ObjectOracle(Shared):
    """Answers by the table of objects; "No." to what it does not understand, as the paper's answerer is told to."""

    system_prompt = (
        "You ask up to twenty questions about a secret object, which are answered with yes or no. Name the object in "
        "as few as you can, for example 'Is it a chair?'."
    )

    def __init__(self) -> None:
        self._knowledge = knowledge()
        self.names = tuple(names[0] for names in self._knowledge.names)
        self.questions = tuple(attribute.question for attribute in ATTRIBUTES.values())
        self.answers = self._knowledge.has.T.astype(np.int64)
        self._index = {key: index for index, key in enumerate(ATTRIBUTES)}

    def answer(self, secret: int, question: str) -> Answer:
        """Yes or no."""
        read = self._knowledge.read(question)
        if read is None:
            return Answer("No.")
        if read.attribute is None:
            return Answer("Yes." if read.guess == secret else "No.", named=read.guess)
        index = self._index[read.attribute]
        return Answer("Yes." if self.answers[index, secret] else "No.", question=index)

    def naming(self, thing: int) -> str:
        """With its article."""
        name = self.names[thing]
        return f"Is it {'an' if name[0] in 'aeiou' else 'a'} {name}?"


@cache
def oracle() -> ObjectOracle:
    """The one answerer."""
    return ObjectOracle()


def build(options: Mapping[str, Any]) -> RulesTask[Guessing]:
    """The task."""
    from_mapping(TwentyQuestionsConfig, options, "twenty_questions-rules")
    return RulesTask(Guessing(oracle()))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Games of careless, useful and informed players."""
    return mixture(build(options), draw_player, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """Twenty questions in vain, the average of the data (measured), and the informed player's mean over all secrets."""
    from_mapping(TwentyQuestionsConfig, options, "twenty_questions-rules")
    return Normalisation(-float(LIMIT), DATA_AVERAGE, informed_return(oracle()))
