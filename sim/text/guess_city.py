"""Guess My City by rules: public facts in answer to open questions, in place of LMRL-Gym's language model."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.guessing import LIMIT, Answer, Guessing, draw_player, informed_return
from vlmrl_ros.sim.text.rollout import mixture
from vlmrl_ros.sim.text.rules import RulesTask, Shared

DATA_AVERAGE = -7.15
"""Mean return of :func:`episodes`, 2,000 of seed 0."""


class Fact(NamedTuple):
    """One thing that is known of each city."""

    question: str
    """As the players of the data ask it."""
    words: str
    """Pattern of words, any of which means it."""
    answer: str
    """With the fact in it."""


FACTS: Mapping[str, Fact] = {
    "continent": Fact("What continent is the city on?", r"continent|part of the world", "It is in {}."),
    "hemisphere": Fact("Which hemisphere is the city in?", r"hemispheres?|equator", "It is in the {} hemisphere."),
    "people": Fact("How many people live in the city?", r"population|people live|inhabitants|residents|big", "{}."),
    "coast": Fact("Is the city on the coast?", r"coast(al)?|sea|ocean|beach(es)?|harbou?r", "{}."),
    "language": Fact("What language is spoken in the city?", r"languages?|speak|spoken", "Mostly {}."),
    "capital": Fact("Is the city a capital?", r"capital", "{}."),
}
PEOPLE: Mapping[str, str] = {
    "small": "Fewer than a million",
    "medium": "One to five million",
    "large": "Five to ten million",
    "huge": "More than ten million",
}
"""With the suburbs, roughly."""
UNKNOWN = "I cannot tell."
GUESS = re.compile(r"^(is|are) (it|this|that|you|the city|your city)( in| from)? (?P<name>.+)$")


@dataclass(frozen=True)
class GuessCityConfig:
    """There are no options."""


class CityOracle(Shared):
    """Answers by the table of cities, and never with a name."""

    system_prompt = (
        "You ask up to twenty questions about a secret city. Its name is not told. Name the city in as few questions "
        "as you can, for example 'Is it Paris?'."
    )

    def __init__(self) -> None:
        with Path(__file__).with_name("cities.csv").open(encoding="utf-8", newline="") as lines:
            self._rows = tuple(csv.DictReader(lines))
        self.names = tuple(row["city"] for row in self._rows)
        self.questions = tuple(fact.question for fact in FACTS.values())
        self.answers = np.array([self._codes(key) for key in FACTS])
        self._by_name = {name.lower(): index for index, name in enumerate(self.names)}
        self._patterns = [re.compile(rf"\b({fact.words})\b") for fact in FACTS.values()]

    def _codes(self, key: str) -> list[int]:
        values = [row[key] for row in self._rows]
        order = sorted(set(values))
        return [order.index(value) for value in values]

    def answer(self, secret: int, question: str) -> Answer:
        """The fact that is asked for."""
        bare = " ".join(question.lower().split()).rstrip("?!. ")
        named = GUESS.match(bare)
        if named and named["name"] in self._by_name:
            index = self._by_name[named["name"]]
            return Answer("Yes." if index == secret else "No.", named=index)
        meant = [index for index, pattern in enumerate(self._patterns) if pattern.search(bare)]
        if len(meant) != 1:
            return Answer(UNKNOWN)
        key = tuple(FACTS)[meant[0]]
        value = self._rows[secret][key]
        told = PEOPLE[value] if key == "people" else value.capitalize() if value in ("yes", "no") else value
        return Answer(FACTS[key].answer.format(told), question=meant[0])

    def naming(self, thing: int) -> str:
        """The plain guess."""
        return f"Is it {self.names[thing]}?"


@cache
def oracle() -> CityOracle:
    """The one answerer."""
    return CityOracle()


def build(options: Mapping[str, Any]) -> RulesTask[Guessing]:
    """The task."""
    from_mapping(GuessCityConfig, options, "guess_city-rules")
    return RulesTask(Guessing(oracle()))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Games of careless, useful and informed players."""
    return mixture(build(options), draw_player, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """Twenty questions in vain, the average of the data (measured), and the informed player's mean over all secrets."""
    from_mapping(GuessCityConfig, options, "guess_city-rules")
    return Normalisation(-float(LIMIT), DATA_AVERAGE, informed_return(oracle()))
