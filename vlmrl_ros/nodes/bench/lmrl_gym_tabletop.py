"""The arm's row of the suite ``lmrl_gym``: which skill next, learned from dialogues with a scripted person."""

from __future__ import annotations

from vlmrl_ros.nodes.bench.lmrl_gym_games import of_own_best
from vlmrl_ros.nodes.bench.lmrl_gym_runs import Plan, Recipe

SHARED = {"layers": 2, "width": 64, "heads": 4, "context": 64, "answer_tokens": 5, "updates": 50, "batch_size": 64}
VALUES = {"learning_rate": 1e-3, "discount": 0.99, "beta": 16.0, "cql_weight": 0.5}
TABLETOP = Plan(
    task="tabletop_dialogue",
    options={},
    data=300,
    shared={**SHARED, "learning_rate": 2e-3},
    recipes={
        "lm_bc": Recipe(8, cloned=False),
        "lm_mc": Recipe(12, VALUES),
        "ilql": Recipe(12, {**VALUES, "expectile": 0.7, "target_rate": 0.2}),
        "lm_filtered_bc": Recipe(8, {"keep": "successful"}, cloned=False),
        "lm_ppo": Recipe(20, {"learning_rate": 3e-4, "rollouts": 16, "batch_size": 128}, own=16),
        "lm_online_filtered_bc": of_own_best(16, 0.3),
    },
    games=48,
)
