"""Learners of language on a chain of cells, in which a walk goes left and right, and its data."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.policy import LanguagePolicy, speaker_of
from vlmrl_ros.policies.learners.ilql.builder import Builder as Ilql
from vlmrl_ros.policies.learners.lm_bc.builder import Builder as LmBc
from vlmrl_ros.policies.learners.lm_filtered_bc.builder import Builder as LmFilteredBc
from vlmrl_ros.policies.learners.lm_mc.builder import Builder as LmMc
from vlmrl_ros.policies.learners.lm_online_filtered_bc.builder import Builder as LmOnlineFilteredBc
from vlmrl_ros.policies.learners.lm_ppo.builder import Builder as LmPpo

OFFLINE = {"lm_bc": LmBc, "lm_filtered_bc": LmFilteredBc, "lm_mc": LmMc, "ilql": Ilql}
ONLINE = {"lm_ppo": LmPpo, "lm_online_filtered_bc": LmOnlineFilteredBc}
BUILDERS = {**OFFLINE, **ONLINE}
SMALL = {"layers": 1, "width": 32, "heads": 2, "context": 16, "answer_tokens": 2, "batch_size": 64, "updates": 20}
CELLS, GOAL, DISCOUNT = 4, 4, 0.8
MOVES = {"r": 1, "l": -1}
QUICK = {"learning_rate": 3e-3, "cloning_updates": 60}
WHOLE = {"batch_size": 0, "decay_steps": 240}


def walk(rng: np.random.Generator, most: int = 12) -> TextEpisode:
    """A random walk from any cell; -1 for each move that does not reach the goal, right of the last cell."""
    cell, turns = int(rng.integers(CELLS)), []
    while cell != GOAL and len(turns) < most:
        said = "rl"[rng.integers(2)]
        after = max(cell + MOVES[said], 0)
        turns.append(TextTurn(f"{cell}:", f"{said}\n", 0.0 if after == GOAL else -1.0))
        cell = after
    return TextEpisode(tuple(turns), cell == GOAL, final=f"{cell}:")


def walks(count: int = 200) -> list[TextEpisode]:
    rng = np.random.default_rng(0)
    return [walk(rng) for _ in range(count)]


DATA = walks()
SPEC = TextSpec.of("chain", DATA)


def learner_of(name: str, seed: int = 0, **values: object):
    builder = BUILDERS[name]
    own = {"rollouts": 8, "cloning_updates": 40} if name in ONLINE else {}
    return builder.build(SPEC, from_mapping(builder.config_type, SMALL | own | values), np.random.default_rng(seed))


def taught(name: str, updates: int, **values: object):
    learner = learner_of(name, **values)
    for episode in DATA:
        learner.add(episode)
    for _ in range(updates):
        metrics = learner.update()
    assert all(math.isfinite(value) for value in metrics.values())
    return learner


def fingerprint(learner) -> str:
    parts = sorted(learner.variables().items())
    return hashlib.sha256(b"".join(name.encode() + value.tobytes() for name, value in parts)).hexdigest()


def chances(learner, temperature: float = 1.0) -> dict[tuple[int, str], float]:
    """How likely each first token is."""
    model, tokenizer = learner.clone.module, learner.tokenizer
    found = {}
    for cell in range(CELLS):
        with torch.no_grad():
            logits = model.logits(model.hidden(torch.tensor([tokenizer.prompt(f"{cell}:")]))[0, -1])
        found |= {
            (cell, said): float(torch.softmax(logits / temperature, -1)[tokenizer.encode(said)[0]]) for said in MOVES
        }
    return found


def values(learner) -> dict[tuple[int, str], float]:
    """Q of each first token."""
    speaker = speaker_of(learner.variables())
    found = {}
    for cell in range(CELLS):
        with torch.no_grad():
            least = speaker.critic.least(
                speaker.critic.trunk.hidden(torch.tensor([learner.tokenizer.prompt(f"{cell}:")]))
            )
        found |= {(cell, said): float(least[0, -1, learner.tokenizer.encode(said)[0]]) for said in MOVES}
    return found


def success(learner) -> float:
    """Share of 200 episodes from the first cell that take the shortest way."""
    return float(np.mean([len(episode.turns) == CELLS and episode.terminated for episode in played(learner, 200)]))


def played(learner, count: int) -> list[TextEpisode]:
    policy, rng = LanguagePolicy(), np.random.default_rng(7)
    policy.load(learner.variables())
    cells, turns = [0] * count, [[] for _ in range(count)]
    for _ in range(12):
        going = [row for row in range(count) if cells[row] != GOAL]
        for row, said in zip(going, policy.answer([f"{cells[row]}:" for row in going], rng), strict=True):
            after = max(cells[row] + MOVES.get(said.text.strip(), 0), 0)
            reward = 0.0 if after == GOAL else -1.0
            turns[row].append(TextTurn(f"{cells[row]}:", said.text or "\n", reward, said.token_ids))
            cells[row] = after
    return [TextEpisode(tuple(of), cell == GOAL, final=f"{cell}:") for of, cell in zip(turns, cells, strict=True)]
