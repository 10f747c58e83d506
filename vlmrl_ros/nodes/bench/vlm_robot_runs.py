"""The runs of the suite ``vlm_robot``: each leaves a JSON file behind when it has finished, and is not made again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.side_by_side import live, training_seeds
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.bench.supervisor import Supervisor
from vlmrl_ros.nodes.bench.vlm_robot_lessons import Lessons, Teacher, phrases, texts, words_of
from vlmrl_ros.nodes.bench.vlm_robot_play import IN_WORDS, SEEN, UNSEEN, Speaker, Table, judge, tell
from vlmrl_ros.policies.vlm.asking import pixels
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo
from vlmrl_ros.policies.vlm.sft import SftConfig, fine_tune
from vlmrl_ros.policies.vlm.stem import learn_to_see
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

MODEL = TinyConfig(
    vision="stem", places=True, vision_width=128, width=96, layers=3, heads=4, vocabulary=400, context=128
)
"""0.5 million parameters."""
TEACHER = Teacher(slips=0.1, misled=0.7)
LEARNING_RATE = 1e-3
"""Of the supervised fine-tuning."""
ATTENTION = 0.7
"""Share of the wrong utterances that the supervisor corrects."""
LEARNING = {"sft": None, "rl": "reward", "takeovers": "takeovers"}
"""Arm of the benchmark to what it learns from after supervised fine-tuning."""


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    glances: int = 20_000
    """Tables that are only looked at."""
    looks: int = 600
    """Gradient steps in which the stem learns to see."""
    carrying: int = 1500
    """Episodes that are shown after the pick."""
    given_back: int = 1500
    """Episodes in which a person at the joystick gives the arm back now and then."""
    sft_steps: int = 8000
    updates: int = 20
    width: int = 8
    steps: int = 32
    """Arms side by side, and turns with each until an update."""
    episodes: int = 176
    """Of the evaluation, seen and unseen each."""


QUICK = Size(glances=5000, looks=400, carrying=300, given_back=200, sft_steps=1500, updates=3, episodes=50)


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
        taught = remembered(folder.with_suffix(".json"), about, lambda: self._teach(folder))
        self.model, self.processor = load_model(str(folder), "float32", "cpu", (), self.seed)
        self.decoder = Decoder(self.model, self.processor, taught["longest"] + 3)

    def _teach(self, folder: Path) -> Result:
        size, lessons = self.size, Lessons(TEACHER, self.seed)
        views = [
            *lessons.carrying(size.carrying),
            *lessons.given_back(size.given_back),
            *lessons.glances(size.glances),
        ]
        said = texts(views)
        model, processor = build(said, self.seed, MODEL, phrases())
        seen = pixels([view.examples[0].observation for view in views], processor)
        words = [words_of(view.contents) for view in views]
        named = learn_to_see(model.model.vision_tower, seen, words, self.seed, size.looks, size.looks)
        config = SftConfig(steps=size.sft_steps, learning_rate=LEARNING_RATE)
        examples = [one for view in views for one in view.examples]
        losses = fine_tune(model, processor, examples, self.seed, config)
        for part in (model, processor):
            part.save_pretrained(folder)
        longest = max(len(ids) for ids in processor.tokenizer(said)["input_ids"])
        return {"named": named, "loss": float(np.mean(losses[-20:])), "longest": longest, "examples": len(examples)}

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
