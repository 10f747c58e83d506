"""What may be asked for: which thing, in which relation, to which target; and what is kept for the evaluation."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import product

from vlmrl_ros.core.errors import UnknownNameError

COLOURS = {
    "red": (0.86, 0.13, 0.12),
    "green": (0.16, 0.66, 0.25),
    "blue": (0.15, 0.33, 0.88),
    "yellow": (0.95, 0.80, 0.12),
}
SHAPES = ("block", "bar", "can")
TARGETS = ("pad", "plate")
RELATIONS = {"on": (0, 0), "left of": (0, 1), "right of": (0, -1), "in front of": (-1, 0), "behind": (1, 0)}
"""Rows and columns from the target to where the thing goes, as the robot sees the table: in front of is nearer."""
MIRRORED = {
    "on": "on",
    "left of": "right of",
    "right of": "left of",
    "in front of": "behind",
    "behind": "in front of",
}
"""What somebody means who sees the table from the other side."""

HELD_OUT = (("red", "bar"), ("green", "can"), ("blue", "block"))
"""Colour and shape that are never asked for together in training, though each is with others."""
COMBINATIONS = ("seen", "unseen", "all")


@dataclass(frozen=True)
class Thing:
    """Something with a colour, which people call by both words."""

    colour: str
    kind: str

    def __str__(self) -> str:
        return f"{self.colour} {self.kind}"


@dataclass(frozen=True)
class Goal:
    """What an episode is about."""

    thing: Thing
    relation: str
    target: Thing

    def __str__(self) -> str:
        """The instruction."""
        return f"put the {self.thing} {self.relation} the {self.target}"

    @property
    def seen(self) -> bool:
        """Its words are asked for together in training."""
        return (self.thing.colour, self.thing.kind) not in HELD_OUT


THINGS = tuple(Thing(colour, shape) for colour, shape in product(COLOURS, SHAPES))
PLACES_TO_BE = tuple(Thing(colour, target) for colour, target in product(COLOURS, TARGETS))
_ALL = tuple(Goal(thing, relation, target) for thing, relation, target in product(THINGS, RELATIONS, PLACES_TO_BE))
_BY_INSTRUCTION = {str(goal): goal for goal in _ALL}


def goals(combinations: str) -> tuple[Goal, ...]:
    """Those of :data:`COMBINATIONS`."""
    return tuple(goal for goal in _ALL if combinations == "all" or goal.seen == (combinations == "seen"))


def read_goal(instruction: str) -> Goal:
    """What a sentence asks for.

    Raises:
        UnknownNameError: none of the sentences that are understood; the closest are listed.
    """
    said = " ".join(instruction.casefold().split()).rstrip(".")
    if said not in _BY_INSTRUCTION:
        raise UnknownNameError("instruction", instruction, difflib.get_close_matches(said, _BY_INSTRUCTION, 3, 0.0))
    return _BY_INSTRUCTION[said]
