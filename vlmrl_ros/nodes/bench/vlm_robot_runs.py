"""The runs of the suite ``vlm_robot``: each leaves a JSON file behind when it has finished, and is not made again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.prompts import answer, prompt
from vlmrl_ros.core.side_by_side import live, training_seeds
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.bench.vlm_robot_play import (
    IN_WORDS,
    Speaker,
    Supervisor,
    Table,
    Teacher,
    arm,
    askable,
    judge,
    tell,
)
from vlmrl_ros.policies.vlm.asking import pixels
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, fine_tune
from vlmrl_ros.policies.vlm.stem import learn_to_see
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build
from vlmrl_ros.sim.operators.words import AND, EMPTY, FULL, LIES, SHAPE, THEN, by_skills, cell_of, to_pick, to_place
from vlmrl_ros.sim.tasks.tabletop import task as tabletop
from vlmrl_ros.sim.tasks.tabletop.goals import PLACES_TO_BE, THINGS, goals
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, place_name
from vlmrl_ros.sim.text_arm import TextArm

MODEL = TinyConfig(
    vision="stem", places=True, vision_width=128, width=96, layers=3, heads=4, vocabulary=400, context=128
)
"""0.5 million parameters."""
TEACHER = Teacher(slips=0.1, misled=0.7)
OTHERWISE = 4
"""Other goals, at most, that are asked for with the same full hand."""
LEARNING_RATE = 1e-3
"""Of the supervised fine-tuning."""
ATTENTION = 0.7
"""Share of the wrong utterances that the supervisor corrects."""
SEEN, UNSEEN = ({"combinations": which, "observation": "state"} for which in ("seen", "unseen"))
LEARNING = {"sft": None, "rl": "reward", "takeovers": "takeovers"}
"""Arm of the benchmark to what it learns from after supervised fine-tuning."""


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    glances: int = 20_000
    """Tables that are only looked at."""
    looks: int = 600
    """Gradient steps in which the stem learns to see."""
    shown: int = 1500
    """Episodes of demonstrations."""
    sft_steps: int = 4000
    updates: int = 20
    width: int = 8
    steps: int = 32
    """Arms side by side, and turns with each until an update."""
    episodes: int = 176
    """Of the evaluation, seen and unseen each."""


QUICK = Size(glances=5000, looks=400, shown=400, sft_steps=1300, updates=3, episodes=50)


def robot(work: Path, size: Size, arm_name: str, seed: int) -> Result:
    """One run.

    Returns:
        ``seen`` and ``unseen``, each as :func:`~vlmrl_ros.nodes.bench.vlm_robot_play.judge` says; ``updates``, what the
        learner said of each, with ``takeovers``, their share of the utterances; ``wall_s``.
    """
    about = {**asdict(size), "arm": arm_name, "seed": seed, **_common()}
    return remembered(work / f"{arm_name}_{seed}.json", about, lambda: Run(work, size, arm_name, seed).make())


def _common() -> dict[str, Any]:
    return {"model": asdict(MODEL), "teacher": asdict(TEACHER), "words": asdict(IN_WORDS), "ppo": asdict(PpoConfig())}


@dataclass
class Run:
    """One model and one seed."""

    work: Path
    size: Size
    arm: str
    seed: int
    updates: list[Mapping[str, float]] = field(default_factory=list)

    def make(self) -> Result:
        """Train and judge."""
        torch.set_num_threads(1)
        started_s = time.monotonic()
        self.prepare()
        if LEARNING[self.arm] is not None:
            self._reinforce()
        judged = {
            name: judge(self.speaker(0.0), options, self.size.episodes)
            for name, options in (("seen", SEEN), ("unseen", UNSEEN))
        }
        tell(self.work / f"{self.arm}_{self.seed}.png", self.speaker(0.0), SEEN)
        return {**judged, "updates": self.updates, "wall_s": time.monotonic() - started_s}

    def prepare(self) -> None:
        """Teach the model, once for all arms that begin so: ``taught_<seed>`` is a folder for ``vlm.model``."""
        folder = self.work / f"taught_{self.seed}"
        about = {**asdict(self.size), **_common()}
        remembered(folder.with_suffix(".json"), about, lambda: self._teach(folder))
        self.model, self.processor = load_model(str(folder), "float32", "cpu", (), self.seed)
        longest = max(len(ids) for ids in self.processor.tokenizer(texts())["input_ids"])
        self.decoder = Decoder(self.model, self.processor, longest + 3)

    def _teach(self, folder: Path) -> Result:
        model, processor = build(texts(), self.seed, MODEL, phrases())
        views = [*demonstrations(self.size.shown, self.seed), *glances(self.size.glances, self.seed)]
        seen = pixels([view.example.observation for view in views], processor)
        tower, cells = model.model.vision_tower, [view.cells for view in views]
        named = learn_to_see(tower, seen, cells, self.seed, self.size.looks, self.size.looks)
        config = SftConfig(steps=self.size.sft_steps, learning_rate=LEARNING_RATE)
        losses = fine_tune(model, processor, [view.example for view in views], self.seed, config)
        for part in (model, processor):
            part.save_pretrained(folder)
        return {"named": named, "loss": float(np.mean(losses[-20:]))}

    def _reinforce(self) -> None:
        ppo = UtterancePpo(
            self.model, self.processor, np.random.default_rng(self.seed), PpoConfig(updates=self.size.updates)
        )
        supervisor = Supervisor(ATTENTION, self.seed) if LEARNING[self.arm] == "takeovers" else None
        table = Table(SEEN, training_seeds(self.seed), self.size.width)
        generator = torch.Generator().manual_seed(self.seed)
        speak = partial(self.decoder.decode, temperature=ppo.config.temperature, generator=generator)
        move = partial(table.move, supervisor=supervisor)
        for _ in range(self.size.updates):
            streams = live(table, speak, move, self.size.steps, supervised=supervisor is not None)
            taken = [turn.taken_over for stream in streams for turn in stream]
            self.updates.append({**ppo.update(streams), "takeovers": float(np.mean(taken))})
        table.close()

    def speaker(self, temperature: float) -> Speaker:
        """The model; temperature 0: its likeliest answers."""
        generator = torch.Generator().manual_seed(self.seed)

        def speak(observations: Sequence[TextObservation]) -> list[str]:
            return [one.text for one in self.decoder.decode(observations, temperature, generator)]

        return speak


@dataclass(frozen=True)
class View:
    """What an arm saw, what the teacher said to it, and what lay in each cell: 0 nothing, else its number."""

    example: Example
    cells: Sequence[int]


def demonstrations(episodes: int, seed: int) -> list[View]:
    """What the teacher says in each of so many episodes, with the hand empty and, after the right pick, full.

    With the full hand he is asked for other goals, too, which the same picture allows.
    """
    task, rng = TextArm(tabletop.build(SEEN), config=IN_WORDS), np.random.default_rng([seed, 1])
    views = []
    for number in range(episodes):
        views.append(_view(task, task.reset((seed + 1000) * 10**6 + number), rng))
        step = task.step(answer(None, by_skills(arm(task)).action))
        views.append(_view(task, step.observation, rng))
        if arm(task).holds_thing:
            views += _asked_otherwise(task, step.observation, rng)
    task.close()
    return views


def _asked_otherwise(task: TextArm, seen: TextObservation, rng: np.random.Generator) -> list[View]:
    cells, goals_now = contents(arm(task)), askable(arm(task).layout)
    views = []
    for index in rng.permutation(len(goals_now))[:OTHERWISE]:
        goal, own, cell = goals_now[index]
        said = TEACHER.say(to_place(goal, place_name(own), place_name(cell)), goal, own, rng)
        asked = TextObservation(prompt(task.around, str(goal), len(seen.images)), seen.images)
        views.append(View(Example(asked, answer(said.thoughts, said.action)), cells))
    return views


def glances(tables: int, seed: int) -> list[View]:
    """The beginnings of other episodes."""
    task, rng = TextArm(tabletop.build(SEEN), config=IN_WORDS), np.random.default_rng([seed, 2])
    views = [_view(task, task.reset((seed + 2000) * 10**6 + number), rng) for number in range(tables)]
    task.close()
    return views


def _view(task: TextArm, seen: TextObservation, rng: np.random.Generator) -> View:
    said = TEACHER.show(arm(task), rng)
    return View(Example(seen, answer(said.thoughts, said.action)), contents(arm(task)))


def contents(task: tabletop.Tabletop) -> list[int]:
    """What lies in each cell now: 0 nothing, else the number of the target or of the thing on it."""
    found = dict.fromkeys(CELLS, 0)
    for target, cell in zip(task.layout.targets, task.layout.target_cells, strict=True):
        found[cell] = 1 + len(THINGS) + PLACES_TO_BE.index(target)
    for number, thing in enumerate(task.layout.things):
        if number or not task.holds_thing:
            found[cell_of(task.thing_position(number))] = 1 + THINGS.index(thing)
    return list(found.values())


def texts() -> list[str]:
    """Every instruction, and answers with all words."""
    asked = goals("all")
    places = [place_name(cell) for cell in CELLS]
    said = [
        speak(goal, one, other) for goal in asked for speak in (to_pick, to_place) for one, other in pairwise(places)
    ]
    return [*(str(goal) for goal in asked), *(answer(one.thoughts, one.action) for one in said)]


def phrases() -> tuple[str, ...]:
    """What prompts and answers always say again."""
    task = TextArm(tabletop.build(SEEN), config=IN_WORDS)
    task.close()
    return (*task.around, *SHAPE, EMPTY, FULL, AND, THEN, LIES)
