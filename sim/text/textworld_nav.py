"""Text-Nav by TextWorld: the same house, commands and goal as the fast simulator's, in TextWorld's own words."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import PluginError
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text import text_nav
from vlmrl_ros.sim.text.house import CONTAINERS, FOODS, FURNITURE, GOAL, ROOMS, START, House, way
from vlmrl_ros.sim.text.rollout import mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask

FIRST_ROOM = "kitchen"
"""Where the compiled game begins; from there an episode walks to the room that is drawn, before it begins."""
GRAMMAR_SEED = 1234
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
NO_MOVES = ("examine", "look", "inventory")
"""First words of commands that change nothing; they are not offered (LMRL-Gym)."""
STATUS = re.compile(r"^>.*$", re.MULTILINE)
TITLE = re.compile(r"-= .* =-\n?")


class TextWorldNav:
    """The rules of :class:`~vlmrl_ros.sim.text.text_nav.TextNav`; what has happened and what is told is TextWorld's."""

    system_prompt = text_nav.TextNav.system_prompt

    def __init__(self, partial: bool) -> None:
        """Compile the game, once a process.

        Raises:
            PluginError: TextWorld is missing or does not run here.
        """
        self.remembers = partial
        self.house = House(FIRST_ROOM)
        self._env = _start()

    @property
    def legal_actions(self) -> Sequence[str]:
        """What TextWorld admits, but for commands that only look."""
        return tuple(command for command in self._state["admissible_commands"] if not command.startswith(NO_MOVES))

    def reset(self, rng: np.random.Generator) -> str:
        """Draw the room in which to begin."""
        self.house, self._said = House(FIRST_ROOM), 0
        room = tuple(ROOMS)[rng.integers(len(ROOMS))]
        self._state = self._env.reset()
        while self.house.room != room:
            self._follow(f"go {way(self.house.room, room)}")
        described = f"{text_nav.OBJECTIVE}\n{self._state['description']}" if self.remembers else ""
        return self._prompt(described)

    def say(self, text: str) -> Reply:
        """Follow a command."""
        self._said += 1
        command = " ".join(text.lower().split())
        valid = command in self.legal_actions
        if valid:
            self._follow(command)
        won, lost = bool(self._state["won"]), bool(self._state["lost"])
        told = self._state["feedback"] if valid else "That cannot be done."
        return Reply(
            self._prompt(told),
            float(won),
            command if valid else None,
            terminated=won or lost,
            truncated=not (won or lost) and self._said >= text_nav.LIMIT,
            success=won,
        )

    def _follow(self, command: str) -> None:
        self._state, _, _ = self._env.step(command)
        self.house = self.house.commands()[command]

    def _prompt(self, told: str) -> str:
        """What was told without the room's name, or the room and what is carried; then the commands."""
        if not self.remembers:
            told = f"{self._state['description']} {self._state['inventory']}"
        plain = STATUS.sub("", TITLE.sub("", told) if self.remembers else told)
        return f"{' '.join(plain.split())} Commands: {', '.join(self.legal_actions)}.\n"

    @property
    def state(self) -> Hashable:
        """The house."""
        return self.house

    def __deepcopy__(self, memo: dict[int, Any]) -> TextWorldNav:
        twin = object.__new__(TextWorldNav)
        twin.__dict__ |= self.__dict__
        twin._env = self._env.copy()
        return twin


def _start() -> Any:
    """A TextWorld environment with the game loaded."""
    textworld = _textworld()
    infos = textworld.EnvInfos(
        admissible_commands=True, description=True, inventory=True, feedback=True, won=True, lost=True
    )
    return textworld.start(str(Path(_compiled().name) / "house.z8"), infos)


@cache
def _textworld() -> Any:
    """The package.

    Raises:
        PluginError: it is missing or does not run here.
    """
    try:
        import jericho

        # TextWorld 1.7 mutes a warning that jericho has since 3.3, which has to be compiled. No command here is long.
        if not hasattr(jericho, "TruncatedInputActionWarning"):
            jericho.TruncatedInputActionWarning = UserWarning
        import textworld
    except (ImportError, OSError) as error:
        raise PluginError(
            f"text_nav-textworld needs TextWorld, which does not load ({error}); "
            "`make setup` installs it, on x86_64 only. text_nav-fast needs nothing"
        ) from error
    return textworld


@cache
def _compiled() -> tempfile.TemporaryDirectory[str]:
    """The folder of the game; it goes when the process ends."""
    textworld = _textworld()
    folder = tempfile.TemporaryDirectory(prefix="vlmrl_ros_textworld_")
    options = textworld.GameOptions()
    options.seeds = GRAMMAR_SEED
    options.path = str(Path(folder.name) / "house.z8")
    options.grammar.include_adj = False
    options.grammar.only_last_action = True
    options.grammar.blend_instructions = True
    options.grammar.blend_descriptions = True
    textworld.generator.compile_game(_game(textworld, options), options)
    return folder


def _game(textworld: Any, options: Any) -> Any:
    """The house in TextWorld's terms."""
    maker = textworld.GameMaker(options)
    rooms = {name: maker.new_room(name) for name in ROOMS}
    joined = set()
    for here, ways in ROOMS.items():
        for direction, there in ways.items():
            if frozenset({here, there}) not in joined:
                joined.add(frozenset({here, there}))
                maker.connect(getattr(rooms[here], direction), getattr(rooms[there], OPPOSITE[direction]))
    places = {}
    for room, (name, place) in FURNITURE.items():
        places[place] = maker.new(type="c" if name in CONTAINERS else "s", name=name)
        rooms[room].add(places[place])
        if name in CONTAINERS:
            maker.add_fact("closed", places[place])
    things = {thing: maker.new(type="f" if thing in FOODS else "o", name=thing) for thing in START}
    for thing, place in START.items():
        places[place].add(things[thing])
    maker.set_player(rooms[FIRST_ROOM])
    return _with_goal(maker, things[GOAL], places["fridge"])


def _with_goal(maker: Any, food: Any, fridge: Any) -> Any:
    """The game, won by the food in the closed fridge and lost by eating it."""
    from textworld.generator.game import Event, Quest

    stored = Event(conditions={maker.new_fact("in", food, fridge), maker.new_fact("closed", fridge)})
    eaten = Event(conditions={maker.new_fact("eaten", food)})
    maker.quests = [Quest(win_events=[], fail_events=[eaten]), Quest(win_events=[stored], reward=1)]
    game = maker.build()
    game.objective = text_nav.OBJECTIVE
    return game


def build(options: Mapping[str, Any]) -> RulesTask[TextWorldNav]:
    """The task."""
    return RulesTask(TextWorldNav(from_mapping(text_nav.TextNavConfig, options, "text_nav").observed == "partial"))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Episodes of the policies that the fast simulator's data are from."""
    return mixture(build(options), text_nav.draw_half, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """That of the fast simulator: what can happen, and how likely, is the same."""
    return text_nav.normalisation(options)
