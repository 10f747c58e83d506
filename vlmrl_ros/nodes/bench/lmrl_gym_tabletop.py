"""The arm's row of the suite ``lmrl_gym``: which skill next, learned from dialogues with a scripted person."""

from __future__ import annotations

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
    },
    games=48,
)
