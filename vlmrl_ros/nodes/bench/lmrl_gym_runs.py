"""One run of the suite ``lmrl_gym``: a learner of language on a text task, fed with data and, online, with itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.text_play import answers, play, spec_of
from vlmrl_ros.policies.language.policy import LanguagePolicy
from vlmrl_ros.sim.text.load import game

CLONE = "lm_bc"
"""The learner whose weights those begin with that need a clone."""
FIRST_EVALUATION_SEED = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """How one learner is trained.

    Attributes:
        rounds: updates, each of as many gradient steps as the learner makes in one. In those of learners that have
            data alone the learning rate falls to 0.
        options: of the plug-in, beside those that all share.
        cloned: it begins with the weights of :data:`CLONE`.
        own: episodes of its own before each update; 0: it learns from data alone.
    """

    rounds: int
    options: Mapping[str, Any] = field(default_factory=dict)
    cloned: bool = True
    own: int = 0


@dataclass(frozen=True)
class Plan:
    """What all learners of a task share.

    Attributes:
        task: its name, in figures and files too.
        options: of the task.
        data: number of episodes.
        shared: options of every learner.
        recipes: by plug-in, :data:`CLONE` first.
        settings: options that evaluations go through, beside those of the task.
        games: episodes of an evaluation for each of the settings.
    """

    task: str
    options: Mapping[str, Any]
    data: int
    shared: Mapping[str, Any]
    recipes: Mapping[str, Recipe]
    settings: Sequence[Mapping[str, Any]] = ({},)
    games: int = 32


def run(plan: Plan, learner: str, seed: int, work: Path) -> Result:
    """The record of a run: the one on disk, or a new one that is then there, with the weights beside it.

    Args:
        plan: of the task.
        learner: plug-in.
        seed: of the data, the weights and all draws; learners with one seed have the same data.
        work: where records are.

    Returns:
        plain values: ``raw``, mean undiscounted return of the evaluation, ``success``, ``seconds`` of CPU, ``curve``,
        mean returns of own episodes before each update, and the metrics of the last update.
    """
    path = _place(work, plan, learner, seed).with_suffix(".json")

    def make() -> Result:
        record, variables = _made(plan, learner, seed, work)
        path.with_suffix(".safetensors").write_bytes(save(dict(variables)))
        return record

    recipes = {name: plan.recipes[name] for name in (CLONE, learner)}
    about = asdict(replace(plan, recipes=recipes)) | {"learner": learner, "seed": seed}
    return remembered(path, about, make)


def weights(plan: Plan, learner: str, seed: int, work: Path) -> Mapping[str, Any]:
    """The weights of a run that has been made."""
    return load_file(_place(work, plan, learner, seed).with_suffix(".safetensors"))


def episodes(plan: Plan, seed: int) -> tuple[TextEpisode, ...]:
    """The data of a seed."""
    return _episodes(plan.task, json.dumps(plan.options), plan.data, seed)


@lru_cache(1)
def _episodes(task: str, options: str, count: int, seed: int) -> tuple[TextEpisode, ...]:
    return tuple(islice(game(task).episodes(json.loads(options), seed), count))


def _made(plan: Plan, name: str, seed: int, work: Path) -> tuple[dict[str, Any], Mapping[str, Any]]:
    recipe, begun = plan.recipes[name], time.process_time()
    data = episodes(plan, seed)
    builder = registry.load("learners", name)
    steps = {} if recipe.own else {"decay_steps": recipe.rounds * plan.shared["updates"]}
    config = from_mapping(builder.config_type, {**plan.shared, **steps, **recipe.options}, name)
    spec = spec_of(plan.task, game(plan.task).build(plan.options), data)
    learner = builder.build(spec, config, stream(seed, "learner"))
    for episode in data:
        learner.add(episode)
    if recipe.cloned:
        run(plan, CLONE, seed, work)
        learner.start_from(weights(plan, CLONE, seed, work))
    curve, metrics = [], {}
    for number in range(recipe.rounds):
        if recipe.own:
            lived = _lived(plan, learner, recipe.own, seed, number)
            curve.append(float(np.mean([episode.undiscounted_return for episode in lived])))
        if learner.ready:
            metrics = learner.update()
    seconds = time.process_time() - begun
    variables = learner.variables()
    judged = list(evaluation(plan, variables, seed))
    returns = [episode.undiscounted_return for episode in judged]
    success = [episode.info["success"] for episode in judged]
    found = {"raw": float(np.mean(returns)), "success": float(np.mean(success)), "seconds": seconds}
    return {**found, "curve": curve, "metrics": dict(metrics)}, variables


def _lived(plan: Plan, learner: Learner[TextEpisode], count: int, seed: int, number: int) -> list[TextEpisode]:
    """Own episodes of the newest weights, which the learner is given but for those that it cannot read."""
    rng = stream(seed, "own episodes", number)
    seeds = rng.integers(2**31, size=count).tolist()
    episodes = _played(plan, learner.variables(), [plan.options] * count, seeds, rng)
    for episode in episodes:
        with suppress(RangeError):
            learner.add(episode)
    return episodes


def evaluation(plan: Plan, variables: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Episodes with seeds that training does not meet."""
    settings = [{**plan.options, **one} for one in plan.settings for _ in range(plan.games)]
    first = FIRST_EVALUATION_SEED * (seed + 1)
    yield from _played(plan, variables, settings, range(first, first + len(settings)), stream(seed, "evaluation"))


def _played(
    plan: Plan,
    variables: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    rng: np.random.Generator,
) -> list[TextEpisode]:
    policy = LanguagePolicy()
    policy.load(variables)
    tasks = [game(plan.task).build(options) for options in settings]
    return play(tasks, seeds, lambda prompts: answers(policy, prompts, rng), "learner")


def _place(work: Path, plan: Plan, learner: str, seed: int) -> Path:
    return work / f"{plan.task}_{learner}_{seed}"
