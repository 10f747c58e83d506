"""Games of the suite ``lmrl_gym`` beyond the Maze: what their learners share, and how each of them is trained.

Chosen on seed 100, which is not among those that are measured.
"""

from __future__ import annotations

from vlmrl_ros.nodes.bench.lmrl_gym_runs import Plan, Recipe

VALUES = {"discount": 0.99, "cql_weight": 0.01, "beta": 16.0}
TEXT_NAV = Plan(
    task="text_nav-fast",
    options={},
    data=1500,
    shared={
        "layers": 1,
        "width": 64,
        "heads": 4,
        "context": 128,
        "answer_tokens": 8,
        "updates": 50,
        "batch_size": 192,
        "learning_rate": 3e-3,
    },
    recipes={
        "lm_bc": Recipe(4, cloned=False),
        "lm_filtered_bc": Recipe(4, {"keep": "successful"}, cloned=False),
        "lm_mc": Recipe(4, VALUES),
        "ilql": Recipe(7, {**VALUES, "expectile": 0.8, "return_steps": 150, "target_every": 40}),
    },
    games=400,
)
