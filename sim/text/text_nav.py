"""Text-Nav as a fast simulator of its own: LMRL-Gym's house, commands and goal, in words of its own."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.house import CONTAINERS, FURNITURE, ROOMS, House, plan
from vlmrl_ros.sim.text.rollout import Behaviour, mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask

LIMIT = 15
"""Commands of an episode."""
OBJECTIVE = "Put the stale food from the table in the living room into the fridge in the kitchen, and close the fridge."
HALVES = {
    "outer": (0.75, frozenset({"office", "bathroom", "garden", "backyard"})),
    "inner": (0.25, frozenset({"bedroom", "living room", "dining room", "kitchen"})),
}
"""The policies of the data: how often, and the rooms in which each knows what to do (those of LMRL-Gym's script)."""
DATA_AVERAGE = 0.245
"""Mean return of :func:`episodes`, 4,000 of seed 0 (0.26 in the paper)."""


@dataclass(frozen=True)
class TextNavConfig:
    """Options of Text-Nav."""

    observed: str = option(
        "full",
        "full: each prompt tells the room, what is in it and what is carried; partial: neither room nor what is "
        "carried is told, and prompts grow by what was done",
        choices=("full", "partial"),
    )


class TextNav:
    """1 for the stale food in the closed fridge, else 0. Eating it ends the episode; a command that cannot be followed
    counts as one of the fifteen and does nothing.
    """

    system_prompt = f"You walk through a house. {OBJECTIVE} Answer with one of the commands."

    def __init__(self, partial: bool) -> None:
        self.remembers = partial
        self.house = House("kitchen")

    @property
    def legal_actions(self) -> Sequence[str]:
        """The commands that can be followed."""
        return tuple(self.house.commands())

    def reset(self, rng: np.random.Generator) -> str:
        """Draw the room in which to begin."""
        self.house = House(tuple(ROOMS)[rng.integers(len(ROOMS))])
        self._said = 0
        return f"{OBJECTIVE}\n{self._look()}" if self.remembers else self._look()

    def say(self, text: str) -> Reply:
        """Follow a command."""
        self._said += 1
        command = " ".join(text.lower().split())
        then = self.house.commands().get(command)
        if then is not None:
            self.house = then
        over = self.house.won or self.house.lost
        told = "Done. " if then is not None else "That cannot be done. "
        return Reply(
            f"{told}{self._look()}",
            float(self.house.won),
            None if then is None else command,
            terminated=over,
            truncated=not over and self._said >= LIMIT,
            success=self.house.won,
        )

    def _look(self) -> str:
        """What is told of the state, with the commands."""
        house = self.house
        parts = [] if self.remembers else [f"You are in the {house.room}."]
        if house.room in FURNITURE:
            parts.append(_furniture(house, *FURNITURE[house.room]))
        floor = house.things(house.room)
        if floor:
            parts.append(f"On the floor: {', '.join(floor)}.")
        if not self.remembers:
            parts.append(f"You carry: {', '.join(house.things('hand')) or 'nothing'}.")
        return f"{' '.join([*parts, 'Commands: ' + ', '.join(house.commands())])}.\n"

    @property
    def state(self) -> Hashable:
        """The house."""
        return self.house


def _furniture(house: House, name: str, place: str) -> str:
    if name in CONTAINERS and name not in house.open:
        return f"A closed {name}."
    things = ", ".join(house.things(place)) or "nothing"
    return f"An open {name} with {things}." if name in CONTAINERS else f"A table with {things}."


def half_greedy(rooms: frozenset[str]) -> Behaviour[TextNav]:
    """The best command in these rooms, any command in the others."""

    def act(rules: TextNav, rng: np.random.Generator) -> str:
        if rules.house.room in rooms:
            return plan(rules.house)
        commands = rules.legal_actions
        return commands[rng.integers(len(commands))]

    return act


def draw_half(rng: np.random.Generator) -> tuple[str, Behaviour[TextNav]]:
    """One of the two policies of the data."""
    name = str(rng.choice(list(HALVES), p=[share for share, _ in HALVES.values()]))
    return name, half_greedy(HALVES[name][1])


def build(options: Mapping[str, Any]) -> RulesTask[TextNav]:
    """The task."""
    return RulesTask(TextNav(from_mapping(TextNavConfig, options, "text_nav").observed == "partial"))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Episodes of two policies, each greedy in half of the rooms and random in the others."""
    return mixture(build(options), draw_half, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """Nothing, the average of the data (measured), and a win, which is always within reach."""
    from_mapping(TextNavConfig, options, "text_nav")
    return Normalisation(0.0, DATA_AVERAGE, 1.0)
