"""The knowledge behind 20 Questions: a table of objects by attributes, and how questions about them are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vlmrl_ros.sim.text.rules import Shared


class Attribute(NamedTuple):
    """What may be asked."""

    question: str
    """As the players of the data ask it."""
    words: str
    """Pattern of words, any of which means it."""


CATEGORIES: Mapping[str, Attribute] = {
    "animal": Attribute("Is it an animal?", r"animals?|creature"),
    "fruit": Attribute("Is it a fruit?", r"fruits?"),
    "vegetable": Attribute("Is it a vegetable?", r"vegetables?|veggies?"),
    "vehicle": Attribute("Is it a vehicle?", r"vehicles?|transport(ation)?"),
    "clothing": Attribute("Is it clothing?", r"cloth(es|ing)|garments?"),
    "electronics": Attribute("Is it an electronic device?", r"electronics?|appliances?|devices?"),
    "instrument": Attribute("Is it a musical instrument?", r"instruments?|musical|music"),
    "furniture": Attribute("Is it furniture?", r"furniture"),
    "office": Attribute("Is it used in an office?", r"office|stationery|school"),
    "art": Attribute("Is it used in art?", r"arts?|artists?"),
    "kitchenware": Attribute("Is it a kitchen utensil?", r"utensils?|kitchenware|tableware|dishes"),
    "nature": Attribute("Is it found in nature?", r"nature"),
    "toy": Attribute("Is it a toy?", r"toys?"),
    "jewelry": Attribute("Is it jewelry?", r"jewel(s|ry|lery)"),
    "garden tool": Attribute("Is it used in the garden?", r"gardens?|gardening"),
    "tool": Attribute("Is it a tool?", r"tools?"),
    "sport": Attribute("Is it used in sports?", r"sports?|athletes?"),
}
PROPERTIES: Mapping[str, Attribute] = {
    "alive": Attribute("Is it alive?", r"alive|living"),
    "big": Attribute("Is it bigger than a person?", r"big|bigger|large|larger|huge"),
    "blown": Attribute("Is it played by blowing?", r"blow(n|ing)?|wind"),
    "bedroom": Attribute("Is it found in a bedroom?", r"bedrooms?|sleep(ing)?"),
    "cargo": Attribute("Does it carry loads?", r"loads?|cargo"),
    "carnivore": Attribute("Does it eat meat?", r"carnivores?|meat|predators?"),
    "children": Attribute("Is it for children?", r"child(ren)?|kids?|babies|baby"),
    "clock": Attribute("Does it tell the time?", r"time|clock"),
    "cold": Attribute("Does it cool things?", r"cool(s|ing)?|cold"),
    "costly": Attribute("Is it expensive?", r"expensive|costly|valuable"),
    "cuts": Attribute("Is it used to cut?", r"cuts?|cutting"),
    "digs": Attribute("Is it used to dig?", r"dig(s|ging)?"),
    "drinking": Attribute("Do people drink from it?", r"drink(ing|s)?"),
    "eating": Attribute("Do people eat with it?", r"eat with|used (to eat|for eating)|eat from"),
    "edible": Attribute("Can people eat it?", r"edible|food|eat it|eaten|eat"),
    "electric": Attribute("Does it use electricity?", r"electric(al|ity)?|batter(y|ies)|powered|plugged"),
    "engine": Attribute("Does it have an engine?", r"engines?|motors?"),
    "farm": Attribute("Is it found on a farm?", r"farms?|barn"),
    "feet": Attribute("Does it go on the feet?", r"feet|foot"),
    "flies": Attribute("Can it fly?", r"fly|flies|flying"),
    "fur": Attribute("Does it have fur?", r"furry|fur|hair"),
    "green": Attribute("Is it green?", r"green"),
    "hands": Attribute("Does it go on the hand or the arm?", r"fingers?|wrists?|arms?|hands?"),
    "head": Attribute("Does it go on the head?", r"heads?|ears?"),
    "heavy": Attribute("Is it heavy?", r"heavy|weighs?"),
    "holds": Attribute("Does it hold other things?", r"holds?|contains?|containers?|store|storage"),
    "hot": Attribute("Does it get hot?", r"hot|heats?|heated"),
    "indoors": Attribute("Is it found indoors?", r"indoors?|inside|house|home"),
    "kitchen": Attribute("Is it found in a kitchen?", r"kitchens?"),
    "leaves": Attribute("Does it have leaves?", r"leaves|leaf|leafy"),
    "legs": Attribute("Does it have legs?", r"legs?"),
    "long": Attribute("Is it long and thin?", r"long|thin"),
    "manmade": Attribute("Is it man-made?", r"man-?made|artificial|manufactured"),
    "metal": Attribute("Is it made of metal?", r"metal(lic)?|steel|iron|gold|silver"),
    "natural": Attribute("Is it a part of the landscape?", r"landscape|outdoor scenery"),
    "neck": Attribute("Does it go around the neck?", r"neck"),
    "noisy": Attribute("Does it make noise?", r"nois(e|y)|sounds?|loud"),
    "outdoors": Attribute("Is it found outdoors?", r"outdoors?|outside"),
    "paint": Attribute("Has it to do with paint?", r"paints?"),
    "pair": Attribute("Does it come in pairs?", r"pairs?"),
    "paper": Attribute("Is it made of paper?", r"paper|cardboard"),
    "pet": Attribute("Is it a pet?", r"pets?"),
    "public": Attribute("Does it carry many people?", r"passengers|many people|public"),
    "red": Attribute("Is it red?", r"red"),
    "ridden": Attribute("Do people ride on it?", r"rid(e|es|den|ing)"),
    "round": Attribute("Is it round?", r"round|circular|spherical"),
    "screen": Attribute("Does it have a screen?", r"screens?|display"),
    "seat": Attribute("Do people sit on it?", r"sit|seat|sitting"),
    "sharp": Attribute("Is it sharp?", r"sharp|pointed|pointy"),
    "sky": Attribute("Is it seen in the sky?", r"sky"),
    "small": Attribute("Does it fit in a pocket?", r"small|pockets?|smaller|tiny"),
    "soft": Attribute("Is it soft?", r"soft|fabric"),
    "stone": Attribute("Is it made of stone?", r"stone|mineral"),
    "strings": Attribute("Does it have strings?", r"strings?"),
    "struck": Attribute("Is something struck with it, or it?", r"struck|strikes?|hit(ting)?"),
    "sweet": Attribute("Is it sweet?", r"sweet"),
    "tall": Attribute("Is it tall?", r"tall|high"),
    "tree": Attribute("Does it grow on trees?", r"trees"),
    "underground": Attribute("Does it grow underground?", r"underground|roots?"),
    "warm": Attribute("Does it keep people warm?", r"warm"),
    "water": Attribute("Has it to do with water?", r"water|liquid|wet"),
    "wheels": Attribute("Does it have wheels?", r"wheels?"),
    "white": Attribute("Is it white?", r"white"),
    "wild": Attribute("Does it live in the wild?", r"wild"),
    "wings": Attribute("Does it have wings?", r"wings?|feathers?"),
    "wood": Attribute("Is it made of wood?", r"wood(en)?"),
    "worn": Attribute("Is it worn on the body?", r"worn|wear(s|ing)?"),
    "writes": Attribute("Is it used for writing?", r"writ(e|es|ing)"),
    "yellow": Attribute("Is it yellow?", r"yellow"),
}
ATTRIBUTES: Mapping[str, Attribute] = {**CATEGORIES, **PROPERTIES}
QUESTION = re.compile(r"^(is|are|was|does|do|can|could|would|will|has|have|did)\b")
GUESS = re.compile(
    r"^(is|are) (it|this|that|they|these|the object|the thing|your object)"
    r"( (a kind of|a type of|some kind of|called))?( (a pair of|an?|the|some))? (?P<name>.+)$"
)


@dataclass(frozen=True)
class Reading:
    """What a question asks."""

    attribute: str | None = None
    guess: int | None = None
    """Number of an object."""


class Knowledge(Shared):
    """Objects by attributes."""

    def __init__(self) -> None:
        rows = list(_read(Path(__file__).with_name("objects.txt").read_text(encoding="utf-8")))
        self.names = tuple(names for names, _ in rows)
        """Of each object, the first one first."""
        self.has: npt.NDArray[np.bool_] = np.array(
            [[key in attributes for key in ATTRIBUTES] for _, attributes in rows]
        )
        """bool (objects, attributes in the order of :data:`ATTRIBUTES`)."""
        self._by_name = {name: index for index, names in enumerate(self.names) for name in names}
        self._column = {key: column for column, key in enumerate(ATTRIBUTES)}
        self._patterns = {key: re.compile(rf"\b({attribute.words})\b") for key, attribute in ATTRIBUTES.items()}
        self._asked = {_bare(attribute.question): key for key, attribute in ATTRIBUTES.items()}

    def column(self, attribute: str) -> npt.NDArray[np.bool_]:
        """Which objects have an attribute, bool (objects,)."""
        return self.has[:, self._column[attribute]]

    def read(self, question: str) -> Reading | None:
        """What a question asks, if it can be told: one object at its end and nothing else, or one attribute."""
        bare = _bare(question)
        if not QUESTION.match(bare):
            return None
        named = GUESS.match(bare)
        if named and named["name"] in self._by_name:
            return Reading(guess=self._by_name[named["name"]])
        if bare in self._asked:
            return Reading(self._asked[bare])
        meant = [key for key, pattern in self._patterns.items() if pattern.search(bare)]
        return Reading(meant[0]) if len(meant) == 1 else None


def _bare(question: str) -> str:
    """Lower case, without what stands at the end."""
    return " ".join(question.lower().split()).rstrip("?!. ")


def _read(text: str) -> list[tuple[tuple[str, ...], frozenset[str]]]:
    """Names and attributes of each object."""
    rows, shared = [], frozenset[str]()
    for line in text.splitlines():
        if line.startswith("["):
            category, _, others = line[1:].partition("]")
            shared = frozenset({category, *others.split()})
        elif line and not line.startswith("#"):
            names, _, own = line.partition(":")
            rows.append((tuple(names.split(";")), shared | frozenset(own.split())))
    return rows


@cache
def knowledge() -> Knowledge:
    """The one table."""
    return Knowledge()
