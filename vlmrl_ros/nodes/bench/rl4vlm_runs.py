"""The runs of the suite ``rl4vlm``: each leaves a JSON file behind when it has finished, and is not made again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model, save_model

from vlmrl_ros.core.side_by_side import live, training_seeds
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.bench.rl4vlm_arms import Arm
from vlmrl_ros.nodes.bench.rl4vlm_cnn import CnnPlayer, CnnPolicy, CnnPpo
from vlmrl_ros.nodes.bench.rl4vlm_play import Speaker, Supervisor, Table, judge
from vlmrl_ros.policies.vlm.asking import pixels
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.ppo import PpoConfig
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, fine_tune
from vlmrl_ros.policies.vlm.stem import Stem, learn_to_see
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build
from vlmrl_ros.sim.cards.demonstrations import Teacher
from vlmrl_ros.sim.cards.game import CardGame
from vlmrl_ros.sim.cards.prompts import answer, fixed_parts
from vlmrl_ros.sim.cards.task import GAMES, CardTask, CardTaskConfig

MODEL = TinyConfig(vision="stem", vision_width=128, width=96, layers=2, heads=4, vocabulary=400, context=128)
"""0.4 million parameters."""
PHRASES = ("10", "12")
WIDTH, STEPS = 32, 16
"""Games side by side, and steps in each until an update."""
PICTURES, LOOKS = 2700, 400
"""Pictures of each game, and gradient steps, from which the stem learns to see."""
TEACHER = Teacher(slips=0.2, misled=0.7)
DEMONSTRATIONS, READ = 3000, 300
"""Examples of the fine-tuning; the first of them make the vocabulary."""
SPARE = 6
"""Tokens that an answer may have beyond the longest of them."""
ATTENTION = 0.7
"""Share of the wrong actions that the supervisor corrects."""
EPISODES = 512


@dataclass(frozen=True)
class Setup:
    """A game, as all its arms have it."""

    game: str
    look: Mapping[str, Any]
    """Options of the task: how its pictures look."""
    sft_steps: int
    updates: int
    scale: float = 1.0
    """What task rewards are multiplied by."""
    teacher: Teacher = TEACHER

    @property
    def name(self) -> str:
        """The game, and how its teacher speaks."""
        return f"{self.game}_at_length" if self.teacher.at_length else self.game

    def task(self, thoughts: bool) -> CardTaskConfig:
        """Options of the task."""
        return CardTaskConfig(thoughts=thoughts, **self.look)


SETUPS = {
    "number_line": Setup("number_line", {"size": 64, "shift": 2, "noise": 30.0}, sft_steps=400, updates=12),
    "ez_points": Setup("ez_points", {"size": 64, "shift": 2, "noise": 15.0}, sft_steps=500, updates=10, scale=0.1),
}
AT_LENGTH = replace(SETUPS["ez_points"], teacher=replace(TEACHER, at_length=True))
"""A harder variant: with longer thoughts, what they weigh in the log-probability of an answer matters more."""


SFT = SftConfig(learning_rate=1e-3)
CNN = PpoConfig(learning_rate=3e-4)


def vlm(work: Path, setup: Setup, arm: Arm, seed: int) -> Result:
    """One run of an arm.

    Returns:
        ``greedy`` and ``sampled``, each as :func:`~vlmrl_ros.nodes.bench.rl4vlm_play.judge` says; ``updates``, what the
        learner said of each; ``wall_s``.
    """
    about = {"setup": asdict(setup), "arm": asdict(arm), "seed": seed, **_common()}
    return remembered(work / f"{setup.name}_{arm.name}_{seed}.json", about, lambda: Run(work, setup, arm, seed).make())


def _common() -> dict[str, Any]:
    return {"model": asdict(MODEL), "episodes": EPISODES, "ppo": asdict(PpoConfig())}


@dataclass
class Run:
    """One model, one game, one seed."""

    work: Path
    setup: Setup
    arm: Arm
    seed: int
    updates: list[Mapping[str, float]] = field(default_factory=list)

    def make(self) -> Result:
        """Train and judge."""
        torch.set_num_threads(1)
        started_s = time.monotonic()
        self.config = self.setup.task(self.arm.thoughts)
        texts = [one.answer for one in demonstrations(self.setup, self.config, self.seed, READ)]
        phrases = (*fixed_parts(_dealt(self.setup.game), self.arm.thoughts), *PHRASES)
        self.model, self.processor = build(texts, self.seed, MODEL, phrases)
        self._longest = SPARE + max(map(self._length, texts))
        self._fine_tune()
        if self.arm.weight is not None:
            self._reinforce()
        judged = {
            name: judge(self._speaker(temperature), self.setup.game, self.config, EPISODES)
            for name, temperature in (("greedy", 0.0), ("sampled", PpoConfig().temperature))
        }
        return {**judged, "updates": self.updates, "wall_s": time.monotonic() - started_s}

    def _length(self, text: str) -> int:
        return len(self.processor.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _fine_tune(self) -> None:
        """Supervised; once for all arms that begin with it."""
        kind, config = "thoughts" if self.arm.thoughts else "plain", replace(SFT, steps=self.setup.sft_steps)
        file = self.work / f"{self.setup.name}_{kind}_{self.seed}.safetensors"

        def train() -> Result:
            seeing = stem(self.work, self.processor, self.seed)
            self.model.model.vision_tower.load_state_dict(seeing.state_dict())
            examples = demonstrations(self.setup, self.config, self.seed, DEMONSTRATIONS)
            losses = fine_tune(self.model, self.processor, examples, self.seed, config)
            save_model(self.model, str(file))
            return {"loss": float(np.mean(losses[-20:]))}

        about = {"setup": asdict(self.setup), **_common(), "sft": asdict(config), "looks": [PICTURES, LOOKS]}
        remembered(file.with_suffix(".json"), about, train)
        load_model(self.model, str(file))

    def _reinforce(self) -> None:
        updates = self.arm.updates or self.setup.updates
        temperature, learn = self.arm.learner(self.model, self.processor, self.seed, updates)
        table = Table(self.setup.game, self.config, training_seeds(self.seed), WIDTH)
        supervisor = Supervisor(ATTENTION, self.seed) if self.arm.takeovers else None
        generator = torch.Generator().manual_seed(self.seed)
        decoder = Decoder(self.model, self.processor, self._longest)
        speak = partial(decoder.decode, temperature=temperature, generator=generator)
        move = partial(table.move, supervisor=supervisor)
        for _ in range(updates):
            streams = live(table, speak, move, STEPS, supervised=self.arm.takeovers, scale=self.setup.scale)
            takeovers = sum(turn.taken_over for stream in streams for turn in stream)
            self.updates.append({**learn(streams), "takeovers": float(takeovers)})

    def _speaker(self, temperature: float) -> Speaker:
        generator = torch.Generator().manual_seed(self.seed)
        decoder = Decoder(self.model, self.processor, self._longest)

        def speak(observations: Sequence[TextObservation]) -> list[tuple[str, int]]:
            said = decoder.decode(observations, temperature, generator)
            return [(one.text, len(one.token_ids)) for one in said]

        return speak


def cnn(work: Path, setup: Setup, seed: int) -> Result:
    """One run of the policy without language; as :func:`vlm`."""
    about = {**asdict(setup), "seed": seed, "episodes": EPISODES, "ppo": asdict(CNN)}
    return remembered(work / f"{setup.game}_cnn_{seed}.json", about, lambda: _cnn(work, setup, seed))


def _cnn(work: Path, setup: Setup, seed: int) -> Result:
    torch.set_num_threads(1)
    started_s = time.monotonic()
    _, processor = build([], seed, MODEL)
    actions = GAMES[setup.game].actions
    player = CnnPlayer(CnnPolicy(stem(work, processor, seed), MODEL.image_size, actions, seed), processor, actions)
    table = Table(setup.game, setup.task(thoughts=False), training_seeds(seed), WIDTH)
    ppo = CnnPpo(player, replace(CNN, updates=setup.updates), seed, setup.scale)
    updates = [ppo.update(table, STEPS) for _ in range(setup.updates)]
    generator = torch.Generator().manual_seed(seed)
    judged = {
        name: judge(player.speaker(name == "greedy", generator), setup.game, setup.task(thoughts=False), EPISODES)
        for name in ("greedy", "sampled")
    }
    return {**judged, "updates": updates, "wall_s": time.monotonic() - started_s}


def stem(work: Path, processor: Any, seed: int) -> Stem:
    """A stem that has learned to see both games, but not perfectly; made once for each seed."""
    file = work / f"stem_{seed}.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Stem(Stem.config_class(hidden_size=MODEL.vision_width))

    def train() -> Result:
        seen, shown = [], []
        for game in SETUPS:
            dealt = [_glance(game, seed * 10**6 + number) for number in range(PICTURES)]
            seen += [observation for observation, _ in dealt]
            shown += [symbols for _, symbols in dealt]
        named = learn_to_see(made, pixels(seen, processor), shown, seed, LOOKS)
        save_model(made, str(file))
        return {"named": named}

    about = {"looks": [PICTURES, LOOKS], **{game: asdict(setup)["look"] for game, setup in SETUPS.items()}}
    remembered(file.with_suffix(".json"), about, train)
    load_model(made, str(file))
    return made


def _glance(game: str, seed: int) -> tuple[TextObservation, tuple[int, int]]:
    """The first picture of an episode, and the two symbols in it: digits from 0, ranks of cards behind them."""
    task = CardTask(game, SETUPS[game].task(thoughts=False))
    seen = task.reset(seed)
    if game == "number_line":
        return seen, (task.game.target, task.game.current)
    return seen, tuple(5 + card.rank for card in task.game.cards)


def demonstrations(setup: Setup, config: CardTaskConfig, seed: int, steps: int) -> list[Example]:
    """What the teacher shows in so many steps on the way of right actions."""
    rng = np.random.default_rng([seed, 1])
    table = Table(setup.game, config, training_seeds(seed + 1000), 1)
    examples = []
    while len(examples) < steps:
        playing = table.tasks[0].game
        thought, action = setup.teacher.show(playing, rng)
        said = answer(playing.facts, thought, action) if config.thoughts else answer({}, None, action)
        examples.append(Example(table.observations[0], said))
        table.move([answer({}, None, playing.solution())])
    return examples


def _dealt(game: str) -> CardGame:
    task = CardTask(game)
    task.reset(0)
    return task.game
