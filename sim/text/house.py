"""The house of Text-Nav: eight rooms, seven things, and what may be done with them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

ROOMS: Mapping[str, Mapping[str, str]] = {
    "bedroom": {"west": "living room", "south": "bathroom"},
    "bathroom": {"north": "bedroom", "west": "office"},
    "office": {"north": "living room", "east": "bathroom"},
    "living room": {"east": "bedroom", "south": "office", "west": "dining room"},
    "dining room": {"east": "living room", "west": "kitchen"},
    "kitchen": {"east": "dining room", "north": "garden", "west": "backyard"},
    "garden": {"south": "kitchen"},
    "backyard": {"east": "kitchen"},
}
"""Which way leads where."""
FURNITURE: Mapping[str, tuple[str, str]] = {
    "bedroom": ("table", "bedroom table"),
    "living room": ("table", "living room table"),
    "dining room": ("table", "dining room table"),
    "office": ("chest", "chest"),
    "kitchen": ("fridge", "fridge"),
}
"""What stands in a room: its name, and the place that it is, for there are three tables."""
CONTAINERS = ("chest", "fridge")
"""Those that open and close. Others are stood upon."""
FOODS = ("stale food", "fresh food", "fruit")
GOAL = "stale food"
START: Mapping[str, str] = {
    "stale food": "living room table",
    "fresh food": "living room table",
    "bowl": "bedroom table",
    "coffee cup": "dining room table",
    "plate": "dining room table",
    "utensils": "chest",
    "fruit": "fridge",
}
"""Where each thing is at first. Other places: "hand", "eaten", and the floor of a room by the room's name."""


@dataclass(frozen=True)
class House:
    """A state of the house; commands lead from one to another."""

    room: str
    places: tuple[str, ...] = tuple(START.values())
    """Of the things in the order of :data:`START`."""
    open: frozenset[str] = frozenset()

    def where(self, thing: str) -> str:
        """The place of a thing."""
        return self.places[tuple(START).index(thing)]

    def things(self, place: str) -> tuple[str, ...]:
        """The things at a place."""
        return tuple(thing for thing, at in zip(START, self.places, strict=True) if at == place)

    @property
    def won(self) -> bool:
        """The stale food is in the fridge, and the fridge is closed."""
        return self.where(GOAL) == "fridge" and "fridge" not in self.open

    @property
    def lost(self) -> bool:
        """The stale food has been eaten."""
        return self.where(GOAL) == "eaten"

    def commands(self) -> dict[str, House]:
        """What may be done now, in the words of TextWorld, and where it leads; sorted by command."""
        made = {f"go {way}": House(room, self.places, self.open) for way, room in ROOMS[self.room].items()}
        for thing in self.things("hand"):
            made[f"drop {thing}"] = self._put(thing, self.room)
            if thing in FOODS:
                made[f"eat {thing}"] = self._put(thing, "eaten")
        for thing in self.things(self.room):
            made[f"take {thing}"] = self._put(thing, "hand")
        if self.room in FURNITURE:
            made |= self._with_furniture(*FURNITURE[self.room])
        return dict(sorted(made.items()))

    def _with_furniture(self, name: str, place: str) -> dict[str, House]:
        made = {}
        if name in CONTAINERS:
            is_open = name in self.open
            made[f"{'close' if is_open else 'open'} {name}"] = House(self.room, self.places, self.open ^ {name})
            if not is_open:
                return made
        put = "insert {} into {}" if name in CONTAINERS else "put {} on {}"
        made |= {f"take {thing} from {name}": self._put(thing, "hand") for thing in self.things(place)}
        return made | {put.format(thing, name): self._put(thing, place) for thing in self.things("hand")}

    def _put(self, thing: str, place: str) -> House:
        places = tuple(place if it == thing else at for it, at in zip(START, self.places, strict=True))
        return House(self.room, places, self.open)


def plan(house: House) -> str:
    """The next command of a shortest way to win.

    Raises:
        ValueError: the stale food has been eaten, or is where it belongs already.
    """
    at = house.where(GOAL)
    match at:
        case "hand":
            if house.room != "kitchen":
                return f"go {way(house.room, 'kitchen')}"
            return "insert stale food into fridge" if "fridge" in house.open else "open fridge"
        case "fridge":
            return "close fridge" if house.room == "kitchen" else f"go {way(house.room, 'kitchen')}"
        case "eaten":
            raise ValueError("the stale food has been eaten: nothing leads to a win")
    room = next((room for room, (_, place) in FURNITURE.items() if place == at), at)
    if house.room != room:
        return f"go {way(house.room, room)}"
    if at in CONTAINERS and at not in house.open:
        return f"open {at}"
    return f"take {GOAL}" if at in ROOMS else f"take {GOAL} from {FURNITURE[room][0]}"


@cache
def way(here: str, there: str) -> str:
    """The first step of a shortest way between two different rooms."""
    first, waiting = {here: ""}, deque([here])
    while there not in first:
        room = waiting.popleft()
        for direction, beyond in ROOMS[room].items():
            if beyond not in first:
                first[beyond] = first[room] or direction
                waiting.append(beyond)
    return first[there]
