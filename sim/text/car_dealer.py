"""Car Dealer by rules: the player sells, and a buyer who computes stands for LMRL-Gym's language model."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.car_buyer import (
    BRANDS,
    BUDGETS,
    FEATURES,
    PERSONAS,
    TYPES,
    Buyer,
    Car,
    draw_buyer,
    read,
    refused,
    sold,
)
from vlmrl_ros.sim.text.rollout import Behaviour, mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask

QUESTIONS: Mapping[str, str] = {
    "brand": "Which brand do you prefer?",
    "kind": "Which type of car do you want?",
    "features": "Which features do you need?",
    "budget": "What is your budget?",
}
DATA_AVERAGE = 0.573
"""Mean return of :func:`episodes`, 2,000 of seed 0."""
MEASURED = 500
"""Buyers of which the best return is averaged."""


@dataclass(frozen=True)
class CarDealerConfig:
    """There are no options."""


class CarDealer:
    """Nothing until the buyer buys or goes; then the paper's reward of a sale or a refusal. Fifty lines at most."""

    remembers = True
    system_prompt = (
        "You sell cars. Find out what the buyer wants, offer a car by brand, type, features and a price in dollars, "
        "and sell it for as much as you can, for example 'I offer you a Ford sedan with sunroof for $29,200.'."
    )

    @property
    def legal_actions(self) -> Sequence[str]:
        """Questions, and offers of every brand and type at the list price; other words may be understood, too."""
        return (*QUESTIONS.values(), *(offer(Car(b, k), Car(b, k).msrp) for b in BRANDS for k in TYPES))

    def reset(self, rng: np.random.Generator) -> str:
        """A buyer comes in."""
        self.buyer = draw_buyer(rng)
        self.table, self.line, self.known = Car(), 0, frozenset[str]()
        return "Start\n"

    def say(self, text: str) -> Reply:
        """The buyer listens, and answers, buys or goes."""
        self.line += 1
        heard = read(text, self.table)
        self.table = heard.car
        named = self.table.brand is not None and self.table.kind is not None
        info = {"unparsed": not heard.understood}
        action = text if heard.understood else None
        if heard.price is not None and named and 0 < heard.price <= self.buyer.limit(self.table, self.line):
            return Reply(
                "Buyer: I take it.\n",
                sold(heard.price, self.buyer, self.table),
                action,
                terminated=True,
                success=True,
                info=info,
            )
        if self.buyer.leaves(self.line):
            car = self.table if named else self.buyer.wanted
            return Reply("Buyer: No, goodbye.\n", refused(self.buyer, car), action, terminated=True, info=info)
        return Reply(f"Buyer: {self._answer(heard.price, heard.topic, named)}\n", 0.0, action, info=info)

    def _answer(self, price: int | None, topic: str | None, named: bool) -> str:
        """What the buyer says when they neither buy nor go."""
        wanted = self.buyer.wanted
        if price is not None:
            if not named:
                return "For which car?"
            missing = sorted(wanted.features - self.table.features)
            return f"It lacks {missing[0]}." if missing else "That is too much."
        if topic is not None:
            self.known |= {topic}
        match topic:
            case "brand":
                return f"I like {wanted.brand}."
            case "kind":
                return f"I want this type: {wanted.kind}."
            case "features":
                return f"I need {', '.join(sorted(wanted.features))}."
            case "budget" if self.buyer.persona != "discount":
                return f"I have ${self.buyer.budget:,}."
            case "budget":
                return "As little as I can."
        return "What does it cost?" if named else "What do you have?"

    @property
    def state(self) -> Hashable:
        """The line, the car on the table, and what was asked."""
        return self.line, self.table, self.known


def offer(car: Car, price: int) -> str:
    """A seller's line."""
    return f"I offer you a {car.name} for ${price:,}."


def pushy(rules: CarDealer, rng: np.random.Generator) -> str:
    """Any car at any price."""
    features = rng.choice(list(FEATURES), int(rng.integers(0, 4)), replace=False)
    car = Car(str(rng.choice(list(BRANDS))), str(rng.choice(list(TYPES))), frozenset(map(str, features)))
    return offer(car, _rounded(car.msrp * rng.uniform(0.7, 1.3)))


def listening(begin: float) -> Behaviour[CarDealer]:
    """Ask for brand, type and features, then offer that car, each time for less.

    Args:
        begin: first price, relative to the list price.
    """

    def act(rules: CarDealer, rng: np.random.Generator) -> str:
        for topic in ("brand", "kind", "features"):
            if topic not in rules.known:
                return QUESTIONS[topic]
        price = rules.buyer.wanted.msrp * begin * 0.94 ** (rules.line - 3) * rng.uniform(0.98, 1.02)
        return offer(rules.buyer.wanted, _rounded(price))

    return act


def _rounded(price: float) -> int:
    return round(price / 100) * 100


SELLERS: Mapping[str, Behaviour[CarDealer]] = {"pushy": pushy, "fair": listening(1.0), "cheap": listening(0.8)}


def draw_seller(rng: np.random.Generator) -> tuple[str, Behaviour[CarDealer]]:
    """One of the sellers of the data, all equally often."""
    name = tuple(SELLERS)[rng.integers(len(SELLERS))]
    return name, SELLERS[name]


def best_return(buyer: Buyer) -> float:
    """What a seller gets who sees everything: the best sale of all cars, or the best refusal where that is more.

    An upper bound for players, who have to find out. Buyers concede, so the last line before they go is the one.
    """
    chosen = np.array(list(product((False, True), repeat=len(FEATURES))))
    wanted = np.array([feature in buyer.wanted.features for feature in FEATURES])
    extras = chosen @ np.array(list(FEATURES.values()))
    base = np.outer(list(BRANDS.values()), list(TYPES.values()))
    msrp = np.round((base[..., None] + extras) / 100) * 100
    plain = np.array([[buyer.worth(Car(brand, kind)) for kind in TYPES] for brand in BRANDS])
    worth = plain[..., None] + 0.1 * buyer.budget * (chosen & wanted).sum(axis=1) / wanted.sum()
    persona = PERSONAS[buyer.persona]
    share = persona.begins + (1 - persona.begins) * min(1.0, persona.leaves / persona.patience)
    taken = (chosen | ~wanted).all(axis=1) if persona.needs_all else np.ones(len(chosen), bool)
    price = np.round(np.minimum(share * worth, persona.markup * msrp)) * taken
    return float(max((price / ((buyer.budget + msrp) / 2)).max(), ((msrp - buyer.budget) / msrp).max()))


def build(options: Mapping[str, Any]) -> RulesTask[CarDealer]:
    """The task."""
    from_mapping(CarDealerConfig, options, "car_dealer-rules")
    return RulesTask(CarDealer())


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Conversations of pushy, fair and cheap sellers."""
    return mixture(build(options), draw_seller, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """The least of all refusals, the average of the data (measured), and the mean of what could be had."""
    from_mapping(CarDealerConfig, options, "car_dealer-rules")
    return Normalisation(lowest_return(), DATA_AVERAGE, mean_best_return())


@cache
def lowest_return() -> float:
    """The richest buyer refuses the cheapest car."""
    cheapest = min((Car(brand, kind) for brand in BRANDS for kind in TYPES), key=lambda car: car.msrp)
    return refused(Buyer("discount", cheapest, max(BUDGETS)), cheapest)


@cache
def mean_best_return() -> float:
    """Over buyers drawn with seed 0."""
    rng = np.random.default_rng(0)
    return float(np.mean([best_return(draw_buyer(rng)) for _ in range(MEASURED)]))
