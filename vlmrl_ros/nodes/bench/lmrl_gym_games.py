"""Games of the suite ``lmrl_gym`` beyond the Maze: what their learners share, and how each of them is trained.

Chosen on seed 100, which is not among those that are measured. For what learns from its own episodes nothing was chosen
there, the endings aside, nor for ILQL at chess. In the endings online filtered BC fell below its clone there with each
of two learning rates; the smaller one that it has was not tried.
"""

from __future__ import annotations

from dataclasses import replace

from vlmrl_ros.nodes.bench.lmrl_gym_runs import Plan, Recipe
from vlmrl_ros.sim.text.maze_map import STARTS

SHARED = {"layers": 1, "width": 64, "heads": 4, "updates": 50, "learning_rate": 3e-3}
VALUES = {"discount": 0.99, "cql_weight": 0.01, "beta": 16.0}
PPO = {
    "learning_rate": 1e-3,
    "discount": 0.95,
    "rollouts": 12,
    "epochs": 1,
    "value_epochs": 1,
    "reward_scale": 0.2,
    "kl_weight": 0.01,
}
ENDGAMES_PPO = {
    "learning_rate": 3e-4,
    "discount": 0.8,
    "rollouts": 24,
    "batch_size": 64,
    "epochs": 2,
    "value_epochs": 2,
    "kl_weight": 0.01,
}
BLIND = {"discount": 0.96, "cql_weight": 0.5}
BLIND_PPO = {"learning_rate": 3e-4, "rollouts": 16, "batch_size": 256, "reward_scale": 0.1, "kl_weight": 0.1}


def of_own_best(own: int, share: float, rounds: int = 20, learning_rate: float = 1e-3) -> Recipe:
    """Online filtered BC with so many own episodes a round: clones a share of those of the newest four rounds."""
    options = {"learning_rate": learning_rate, "updates": 10, "rollouts": own, "pool": 4 * own, "share": share}
    return Recipe(rounds, options, own=own)


TEXT_NAV = Plan(
    task="text_nav-fast",
    options={},
    data=1500,
    shared={**SHARED, "context": 128, "answer_tokens": 8, "batch_size": 192},
    recipes={
        "lm_bc": Recipe(4, cloned=False),
        "lm_filtered_bc": Recipe(4, {"keep": "successful"}, cloned=False),
        "lm_mc": Recipe(4, VALUES),
        "ilql": Recipe(7, {**VALUES, "expectile": 0.8, "return_steps": 150, "target_every": 40}),
        "lm_ppo": Recipe(20, {"learning_rate": 3e-4, "rollouts": 64, "batch_size": 512}, own=64),
        "lm_online_filtered_bc": of_own_best(64, 0.2),
    },
    games=400,
)
WORDLE = Plan(
    task="wordle",
    options={"words": 20},
    data=12_000,
    shared={**SHARED, "context": 96, "answer_tokens": 7, "batch_size": 64},
    recipes={
        "lm_bc": Recipe(28, cloned=False),
        "lm_filtered_bc": Recipe(4, {"share": 0.3}),
        "lm_mc": Recipe(10, {**VALUES, "discount": 1.0, "beta": 4.0}),
        "ilql": Recipe(10, {**VALUES, "beta": 8.0, "expectile": 0.7, "return_steps": 250, "target_every": 50}),
        "lm_ppo": Recipe(20, {"learning_rate": 3e-4, "rollouts": 128, "batch_size": 256, "reward_scale": 0.5}, own=128),
        "lm_online_filtered_bc": of_own_best(128, 0.3),
    },
    games=512,
)
"""LMRL-Gym's list has some 400 words. With 100 of them such models learn to spell in a minute, but not to read the
marks."""
ENDGAMES = Plan(
    task="chess_endgames",
    options={},
    data=2000,
    shared={
        **SHARED,
        "layers": 2,
        "width": 128,
        "learning_rate": 1e-3,
        "context": 96,
        "answer_tokens": 8,
        "batch_size": 32,
    },
    recipes={
        "lm_bc": Recipe(60, cloned=False),
        "lm_ppo": Recipe(10, ENDGAMES_PPO, own=24),
        "lm_mc": Recipe(12, {**VALUES, "beta": 2.0}),
        "lm_filtered_bc": Recipe(16, {"keep": "successful"}),
        "ilql": Recipe(16, {**VALUES, "beta": 4.0, "expectile": 0.7, "return_steps": 400, "target_every": 40}),
        "lm_online_filtered_bc": of_own_best(24, 0.1, rounds=8, learning_rate=1e-4),
    },
    settings=({"positions": "held_out"},),
    games=48,
)
MAZE_PARTIAL = Plan(
    task="maze_partial",
    options={},
    data=1240,
    shared={**SHARED, "context": 256, "answer_tokens": 5, "batch_size": 32},
    recipes={
        "lm_bc": Recipe(5, cloned=False),
        "lm_filtered_bc": Recipe(4, {"keep": "successful"}),
        "lm_mc": Recipe(6, {**BLIND, "beta": 1.0}),
        "ilql": Recipe(8, {**BLIND, "beta": 8.0, "expectile": 0.8, "return_steps": 150, "target_every": 40}),
        "lm_ppo": Recipe(20, {**PPO, **BLIND_PPO}, own=16),
        "lm_online_filtered_bc": of_own_best(32, 0.3),
    },
    settings=tuple({"start": start} for start in range(len(STARTS))),
    games=4,
)
TEXTWORLD = replace(
    TEXT_NAV,
    task="text_nav-textworld",
    data=600,
    shared={**TEXT_NAV.shared, "context": 256, "batch_size": 96},
    games=64,
)
"""Less data than of the fast simulator, which makes an episode much faster."""
CHESS = Plan(
    task="chess",
    options={},
    data=120,
    shared={**SHARED, "context": 128, "answer_tokens": 8, "batch_size": 128},
    recipes={
        "lm_bc": Recipe(5, cloned=False),
        "lm_filtered_bc": Recipe(2, {"keep": "successful"}),
        "lm_mc": Recipe(3, {**VALUES, "beta": 2.0}),
        "ilql": Recipe(6, {**VALUES, "beta": 2.0, "expectile": 0.7, "return_steps": 150, "target_every": 40}),
        "lm_ppo": Recipe(8, PPO, own=12),
        "lm_online_filtered_bc": of_own_best(12, 0.3, rounds=8),
    },
    games=16,
)
"""On seed 100, with 64 own games, PPO came below its clone."""
