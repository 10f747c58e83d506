"""What the model of the suite ``vlm_robot`` is shown: pictures of a table, what lies on it, what is said to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.core.prompts import answer, prompt
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.vlm_robot_play import IN_WORDS, SEEN, arm
from vlmrl_ros.policies.vlm.sft import Example
from vlmrl_ros.sim.operators import tabletop as by_joystick
from vlmrl_ros.sim.operators.words import (
    AND,
    EMPTY,
    FULL,
    LIES,
    SHAPE,
    THEN,
    Said,
    by_skills,
    cell_of,
    to_pick,
    to_place,
)
from vlmrl_ros.sim.tasks.tabletop.goals import COLOURS, MIRRORED, RELATIONS, SHAPES, TARGETS, Goal, Thing, goals
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, Cell, Layout, beside, place_name
from vlmrl_ros.sim.tasks.tabletop.task import Tabletop, build
from vlmrl_ros.sim.text_arm import TextArm

OTHERWISE = 4
"""Other goals, at most, that are asked for with the same full hand."""
BLUNDERS = 0.5
"""Share of the episodes with a person at the joystick that begin with a skill at random."""
GIVEN_BACK = 0.05
"""Chance that the person gives the arm back after a control step."""
DRIVEN = 120
"""Control steps that they drive at most."""

Contents = Sequence[Thing | None]
"""What lies in each of :data:`~vlmrl_ros.sim.tasks.tabletop.layout.CELLS`: a thing, else a target, else nothing."""


@dataclass(frozen=True)
class View:
    """A picture with what is asked of it and answered, and what lies on the table."""

    examples: Sequence[Example]
    contents: Contents


@dataclass(frozen=True)
class Teacher:
    """Says how it is done, with errors: some at random, some that any pupil will take over."""

    slips: float
    """Share of the answers that name any place."""
    misled: float
    """Share of the places that are named on the other side of the target, where the table has one."""

    def say(self, true: Said, goal: Goal, target_cell: Cell, rng: np.random.Generator) -> Said:
        """What the teacher says where this is true."""
        verb, place = true.action.split(" ", 1)
        named = place
        mirrored = beside(target_cell, MIRRORED[goal.relation])
        if rng.random() < self.slips:
            named = place_name(CELLS[rng.integers(len(CELLS))])
        elif verb == "place" and mirrored in CELLS and rng.random() < self.misled:
            named = place_name(mirrored)
        return Said(true.thoughts.removesuffix(place) + named, f"{verb} {named}")


@dataclass
class Lessons:
    """Lays tables and has a teacher say what is to be done."""

    teacher: Teacher
    seed: int

    def carrying(self, episodes: int) -> Iterator[View]:
        """What is seen after the right pick in each of so many episodes."""
        for task, rng in self._tables(1, episodes):
            task.step(answer(None, by_skills(arm(task)).action))
            yield self._look(task, rng)

    def glances(self, tables: int) -> Iterator[View]:
        """The beginnings of so many episodes."""
        for task, rng in self._tables(2, tables):
            yield self._look(task, rng)

    def given_back(self, episodes: int) -> Iterator[View]:
        """What is seen wherever a person at the joystick gives the arm back, with the hand over the table.

        Half of the episodes begin with a skill at random, so that things lie, or hang, where they should not.
        """
        for task, rng in self._tables(3, episodes):
            person = by_joystick.build(arm(task).spec, {})
            if rng.random() < BLUNDERS:
                task.step(answer(None, str(rng.choice(list(task.legal_actions)))))
                yield self._look(task, rng)
            person.reset(rng, demonstrate=True)
            for step in range(DRIVEN):
                glance = Glance(arm(task).scene(), step, last=False, success=False, intervening=True)
                arm(task).step(person.intent(glance).action)
                if arm(task).success:
                    break
                if rng.random() < GIVEN_BACK:
                    yield self._look(task, rng)

    def _tables(self, lesson: int, episodes: int) -> Iterator[tuple[TextArm, np.random.Generator]]:
        """One arm at the beginning of so many episodes, and the lesson's dice."""
        task, rng = TextArm(build(SEEN), config=IN_WORDS), np.random.default_rng([self.seed, lesson])
        for number in range(episodes):
            task.reset((self.seed + 1000 * lesson) * 10**6 + number)
            yield task, rng
        task.close()

    def _look(self, task: TextArm, rng: np.random.Generator) -> View:
        """Ask for the goal of the episode, and for others that the same picture allows."""
        seen, lying = task.observe(), contents(arm(task))
        examples = []
        for goal, target_cell, true in _questions(arm(task), lying, rng):
            said = self.teacher.say(word_by_word(goal.thing, lying, true), goal, target_cell, rng)
            asked = TextObservation(prompt(task.around, str(goal), len(seen.images)), seen.images)
            examples.append(Example(asked, answer(said.thoughts, said.action)))
        return View(examples, lying)


def _questions(task: Tabletop, lying: Contents, rng: np.random.Generator) -> list[tuple[Goal, Cell, Said]]:
    """Goal, cell of its target, what is to be said; the first are the episode's own."""
    layout = task.layout
    own, target_cell = layout.goal, layout.target_cells[0]
    first = [(own, target_cell, by_skills(task))]
    if task.holds_thing:
        others = askable(layout)
        chosen = [others[index] for index in rng.permutation(len(others))[:OTHERWISE]]
        return first + [
            (goal, target, to_place(goal, place_name(target), place_name(cell))) for goal, target, cell in chosen
        ]
    things = [(Goal(thing, own.relation, own.target), cell) for cell, thing in zip(CELLS, lying, strict=True) if thing]
    return first + [
        (goal, target_cell, to_pick(goal, place_name(target_cell), place_name(cell)))
        for goal, cell in things
        if goal.thing in layout.things[1:] and goal.seen
    ]


def askable(layout: Layout) -> list[tuple[Goal, Cell, Cell]]:
    """All that can be asked for with the layout's thing in the hand: goal, cell of its target, cell that it means."""
    found = []
    for number, (target, own) in enumerate(zip(layout.targets, layout.target_cells, strict=True)):
        taken = (*layout.thing_cells[1:], layout.target_cells[1 - number])
        for relation in RELATIONS:
            cell = beside(own, relation)
            if cell in CELLS and cell not in taken:
                found.append((Goal(layout.goal.thing, relation, target), own, cell))
    return found


def word_by_word(thing: Thing, lying: Contents, true: Said) -> Said:
    """The same; before a pick, where the thing's colour is seen and where its form is, each apart.

    What both words say is meant, so that two words that were never asked for together can be.
    """
    if not true.action.startswith("pick"):
        return true
    coloured = _places(lying, lambda one: one.colour == thing.colour)
    formed = _places(lying, lambda one: one.kind == thing.kind)
    return Said(f"{thing.colour}: {coloured}; {thing.kind}: {formed}; {true.thoughts}", true.action)


def contents(task: Tabletop) -> Contents:
    """What lies in each cell now, the goal's thing before others; what hangs in the hand lies nowhere."""
    found: dict[Cell, Thing | None] = dict.fromkeys(CELLS)
    found |= dict(zip(task.layout.target_cells, task.layout.targets, strict=True))
    for number in reversed(range(len(task.layout.things))):
        if task.lies(number):
            found[cell_of(task.thing_position(number))] = task.layout.things[number]
    return list(found.values())


def words_of(lying: Contents) -> list[int]:
    """Numbers of colour and form of each cell, 0 where there is nothing: what a stem learns to name."""
    palette, forms = tuple(COLOURS), (*SHAPES, *TARGETS)
    return [
        number
        for one in lying
        for number in ((0, 0) if one is None else (1 + palette.index(one.colour), 1 + forms.index(one.kind)))
    ]


def texts(views: Sequence[View]) -> list[str]:
    """Every instruction, and all that is answered."""
    return [*(str(goal) for goal in goals("all")), *(one.answer for view in views for one in view.examples)]


def phrases() -> tuple[str, ...]:
    """What prompts and answers always say again."""
    task = TextArm(build(SEEN), config=IN_WORDS)
    task.close()
    return (*task.around, *SHAPE, EMPTY, FULL, AND, THEN, LIES)


def _places(lying: Contents, which: Callable[[Thing], bool]) -> str:
    return ", ".join(place_name(cell) for cell, one in zip(CELLS, lying, strict=True) if one is not None and which(one))
