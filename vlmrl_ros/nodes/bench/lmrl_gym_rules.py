"""Dialogues by rules in the suite ``lmrl_gym``: 20 Questions, Guess My City and Car Dealer.

Rules and tables stand for LMRL-Gym's language models, so nothing here is to be compared with its dialogue rows.
"""

from __future__ import annotations

from dataclasses import replace

from vlmrl_ros.nodes.bench.lmrl_gym_games import PPO, SHARED, of_own_best
from vlmrl_ros.nodes.bench.lmrl_gym_runs import Plan, Recipe

VALUES = {"discount": 0.99, "cql_weight": 0.1, "beta": 4.0}
ILQL = {**VALUES, "expectile": 0.7, "return_steps": 150, "target_every": 40}
TWENTY_QUESTIONS = Plan(
    task="twenty_questions-rules",
    options={},
    data=3000,
    shared={**SHARED, "context": 400, "answer_tokens": 16, "batch_size": 12},
    recipes={
        "lm_bc": Recipe(6, cloned=False),
        "lm_filtered_bc": Recipe(16, {"share": 0.1}),
        "lm_mc": Recipe(5, VALUES),
        "ilql": Recipe(7, ILQL),
        "lm_ppo": Recipe(20, {**PPO, "learning_rate": 3e-4, "rollouts": 32, "kl_weight": 0.05}, own=32),
        "lm_online_filtered_bc": of_own_best(64, 0.1),
    },
    games=128,
)
GUESS_CITY = replace(
    TWENTY_QUESTIONS,
    task="guess_city-rules",
    data=6000,
    shared={**TWENTY_QUESTIONS.shared, "context": 500, "answer_tokens": 12, "batch_size": 16},
    recipes={
        **TWENTY_QUESTIONS.recipes,
        "lm_bc": Recipe(12, cloned=False),
        "lm_filtered_bc": Recipe(14, {"share": 0.1}),
        "lm_mc": Recipe(6, VALUES),
    },
)
CAR_DEALER = replace(
    TWENTY_QUESTIONS,
    task="car_dealer-rules",
    shared={**TWENTY_QUESTIONS.shared, "context": 700, "answer_tokens": 32},
    recipes={**TWENTY_QUESTIONS.recipes, "lm_filtered_bc": Recipe(3, {"share": 0.1})},
)
