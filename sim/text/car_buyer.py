"""The other side of Car Dealer: cars and their list prices, what a buyer wants, and when they buy or leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

BRANDS: Mapping[str, float] = {
    "Audi": 1.6,
    "BMW": 1.7,
    "Ford": 1.0,
    "Honda": 1.0,
    "Hyundai": 0.9,
    "Lexus": 1.5,
    "Mazda": 0.95,
    "Mercedes-Benz": 1.8,
    "Porsche": 2.4,
    "Subaru": 1.0,
    "Tesla": 1.4,
    "Toyota": 1.0,
    "Volkswagen": 1.0,
}
"""List price relative to that of the type. These and all other prices are round figures of ours."""
TYPES: Mapping[str, int] = {
    "sedan": 28000,
    "SUV": 34000,
    "convertible": 36000,
    "truck": 40000,
    "electric": 42000,
    "luxury": 52000,
}
"""List price, dollars."""
FEATURES: Mapping[str, int] = {
    "Apple CarPlay": 400,
    "backup camera": 500,
    "blind spot monitoring": 900,
    "heated seats": 800,
    "leather seats": 2000,
    "navigation system": 1500,
    "sunroof": 1200,
    "third-row seating": 1800,
}
"""List price, dollars."""
BUDGETS = (10000, 30000, 50000, 70000, 90000)
LINES = 50
"""Of a conversation, both sides counted."""


class Persona(NamedTuple):
    """How a buyer bargains."""

    begins: float
    """Share of what the car is worth to them that they would pay at first."""
    patience: int
    """Lines of the seller after which they would pay all of it."""
    leaves: int
    """Lines of the seller after which they go."""
    markup: float
    """They never pay more than this times the list price."""
    needs_all: bool
    """They take no car without each feature that they want."""


PERSONAS: Mapping[str, Persona] = {
    "discount": Persona(0.75, 10, 12, 0.95, False),
    "features": Persona(0.9, 6, 10, 1.1, True),
    "impatient": Persona(0.95, 3, 5, 1.05, False),
}


@dataclass(frozen=True)
class Car:
    """What is on the table, as far as it has been said."""

    brand: str | None = None
    kind: str | None = None
    features: frozenset[str] = frozenset()

    @property
    def msrp(self) -> int:
        """List price, dollars.

        Raises:
            ValueError: brand or type has not been said.
        """
        if self.brand is None or self.kind is None:
            raise ValueError("a car without brand or type has no list price")
        base = BRANDS[self.brand] * TYPES[self.kind] + sum(FEATURES[feature] for feature in self.features)
        return round(base / 100) * 100

    @property
    def name(self) -> str:
        """As a seller says it."""
        extras = f" with {', '.join(sorted(self.features))}" if self.features else ""
        return f"{self.brand} {self.kind}{extras}"


@dataclass(frozen=True)
class Buyer:
    """What the seller does not see."""

    persona: str
    wanted: Car
    budget: int
    """Dollars."""

    def worth(self, car: Car) -> float:
        """What a car is worth to them, dollars: the budget for all that they want, less for less."""
        share = len(car.features & self.wanted.features) / len(self.wanted.features)
        fits = 0.15 * (car.brand == self.wanted.brand) + 0.15 * (car.kind == self.wanted.kind)
        return self.budget * (0.6 + fits + 0.1 * share)

    def limit(self, car: Car, line: int) -> int:
        """The most that they pay for a car, dollars; 0 for one that they do not take.

        Args:
            car: with brand and type.
            line: of the seller, the first one is 1.
        """
        persona = PERSONAS[self.persona]
        if persona.needs_all and not self.wanted.features <= car.features:
            return 0
        conceded = min(1.0, line / persona.patience)
        share = persona.begins + (1.0 - persona.begins) * conceded
        return round(min(share * self.worth(car), persona.markup * car.msrp))

    def leaves(self, line: int) -> bool:
        """They go after this line of the seller, unless they buy."""
        return line >= min(PERSONAS[self.persona].leaves, LINES // 2)


def draw_buyer(rng: np.random.Generator) -> Buyer:
    """Anybody."""
    features = rng.choice(list(FEATURES), int(rng.integers(1, 5)), replace=False)
    wanted = Car(str(rng.choice(list(BRANDS))), str(rng.choice(list(TYPES))), frozenset(map(str, features)))
    return Buyer(str(rng.choice(list(PERSONAS))), wanted, int(rng.choice(BUDGETS)))


def sold(price: int, buyer: Buyer, car: Car) -> float:
    """The reward of a sale: price over the mean of budget and list price."""
    return price / ((buyer.budget + car.msrp) / 2)


def refused(buyer: Buyer, car: Car) -> float:
    """The reward when the buyer goes: -(budget - list price) / list price, above 0 where they could not have paid."""
    return -(buyer.budget - car.msrp) / car.msrp


PRICE = re.compile(r"\$ ?(\d{1,3}(?:,\d{3})+|\d{1,7})(?!\d)")
ASKS: Mapping[str, str] = {
    "features": r"features?|extras?|equipment",
    "budget": r"budget|spend|afford|pay",
    "brand": r"brands?|makes?",
    "kind": r"types?|kinds?",
}
_NAMES = {name: re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE) for name in (*BRANDS, *TYPES, *FEATURES)}
_ASKS = {topic: re.compile(rf"\b({words})\b", re.IGNORECASE) for topic, words in ASKS.items()}


class Line(NamedTuple):
    """A seller's line as it was understood."""

    car: Car
    """On the table from now on."""
    price: int | None
    """Dollars."""
    topic: str | None
    """What was asked, a key of :data:`ASKS`."""
    understood: bool


def read(text: str, table: Car) -> Line:
    """Understand a line.

    A brand, a type and features that are named change the car on the table; a new brand or type takes the features
    off that are not named again. Of several brands, types or prices the last one counts.

    Args:
        text: of the seller.
        table: the car so far.
    """
    found = {name: [match.start() for match in pattern.finditer(text)] for name, pattern in _NAMES.items()}
    at = {name: places[-1] for name, places in found.items() if places}
    brand = max((name for name in BRANDS if name in at), key=at.__getitem__, default=None)
    kind = max((name for name in TYPES if name in at), key=at.__getitem__, default=None)
    features = frozenset(FEATURES) & at.keys()
    if brand or kind:
        car = Car(brand or table.brand, kind or table.kind, features)
    else:
        car = replace(table, features=table.features | features)
    prices = PRICE.findall(text)
    price = int(prices[-1].replace(",", "")) if prices else None
    asks = "?" in text and price is None
    topic = next((topic for topic, pattern in _ASKS.items() if asks and pattern.search(text)), None)
    return Line(car, price, topic, bool(at or prices or topic))
