"""Arms side by side that are told what to do by text: with somebody who takes over, and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.invalid import NO_OP
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.side_by_side import EVALUATION_SEEDS, Move, SideBySide, evaluation_seeds
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.nodes.bench.supervisor import Supervisor
from vlmrl_ros.policies.evaluation.story import Scene, plot_story
from vlmrl_ros.sim.operators.words import SHAPE, by_skills
from vlmrl_ros.sim.tasks.tabletop.task import Tabletop, build
from vlmrl_ros.sim.text_arm import TextArm, TextArmConfig

Speaker = Callable[[Sequence[TextObservation]], Sequence[str]]
"""Says something to each observation."""
SEEN, UNSEEN = ({"combinations": which, "observation": "state"} for which in ("seen", "unseen"))
IN_WORDS = TextArmConfig(words="skills", invalid=NO_OP, max_turns=3)


@dataclass(frozen=True)
class Judged(Move):
    """A move, and what somebody who sees everything says of it."""

    right: bool
    """It named the action that leads on."""
    true: bool
    """Its thoughts were those of somebody who sees everything."""


class Table(SideBySide[TextArm]):
    """Arms side by side."""

    def __init__(self, options: Mapping[str, Any], seeds: Iterator[int], width: int) -> None:
        """Begin an episode with each of the first seeds.

        Args:
            options: of ``tabletop``.
            seeds: of the episodes.
            width: number of arms.
        """
        self._all = [TextArm(build(options), config=IN_WORDS) for _ in range(width)]
        super().__init__(self._all, seeds)

    def move(self, texts: Sequence[str], supervisor: Supervisor | None = None) -> list[Judged]:
        """Carry out a text with each arm."""

        def play(task: TextArm, before: TextObservation, text: str) -> Judged:
            said, wanted = read_action(text, task.legal_actions), by_skills(arm(task))
            right = said.action == wanted.action
            taken_over = supervisor is not None and supervisor.objects(right)
            step = task.step(answer(None, wanted.action) if taken_over else text)
            return Judged(before, said, step, taken_over, right, wanted.thoughts in text)

        return self.carry_out(texts, play)

    def close(self) -> None:
        """Free the simulations."""
        for task in self._all:
            task.close()


def arm(task: TextArm) -> Tabletop:
    """The task behind the words."""
    assert isinstance(task.task, Tabletop)
    return task.task


def judge(speak: Speaker, options: Mapping[str, Any], episodes: int, width: int = 8) -> dict[str, float]:
    """Have a speaker do each of the evaluation's episodes once, alone.

    Returns:
        ``episodes``, ``successes``; of the utterances ``right``, the share of right actions, ``valid``, that of texts
        that name one, ``true``, that of true thoughts.
    """
    table = Table(options, evaluation_seeds(episodes), min(width, episodes))
    moves: list[Judged] = []
    while table.tasks:
        moves += table.move(speak(table.observations))
    table.close()
    found = {name: float(np.mean([getattr(move, name) for move in moves])) for name in ("right", "true")}
    return {
        **found,
        "valid": float(np.mean([move.said.valid for move in moves])),
        "episodes": float(episodes),
        "successes": float(sum(bool(move.step.info.get("success")) for move in moves)),
    }


def by_hand(options: Mapping[str, Any], episodes: int) -> dict[str, float]:
    """Successes of somebody who sees everything and always says the right thing, in the episodes of :func:`judge`."""
    table, successes = Table(options, evaluation_seeds(episodes), 1), 0
    while table.tasks:
        (move,) = table.move([answer(None, by_skills(arm(table.tasks[0])).action)])
        successes += bool(move.step.info.get("success"))
    table.close()
    return {"episodes": float(episodes), "successes": float(successes)}


def tell(path: Path, speak: Speaker, options: Mapping[str, Any], seed: int = EVALUATION_SEEDS) -> None:
    """Write an episode as a picture: what the arm saw, thought and did."""
    table = Table(options, iter([seed]), 1)
    title, scenes, step = table.tasks[0].instruction, [], None
    while table.tasks:
        seen, (text,) = table.observations[0], speak(table.observations)
        (move,) = table.move([text])
        step = move.step
        named = move.said.action or "nothing that it can do"
        scenes.append(
            Scene(seen.images[0], text[slice(*move.said.thought)].removeprefix(SHAPE[0]).rstrip('", '), named)
        )
    assert step is not None
    end = "done" if step.info["success"] else "not done"
    plot_story(path, title, [*scenes, Scene(step.observation.images[0], "", end)])
    table.close()
