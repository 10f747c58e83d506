"""Write launch/config/text from the plans of the benchmark lmrl_gym: `python tools/text_options.py`.

Each learner of a task has there what the benchmark trains it with, in one run: it clones the data first, where the
benchmark begins with the weights of a clone that was made before. `--check` only compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from vlmrl_ros.nodes.bench.lmrl_gym import PLANS
from vlmrl_ros.nodes.bench.lmrl_gym_runs import CLONE, Plan

FOLDER = Path(__file__).resolve().parent.parent / "launch" / "config" / "text"
HEAD = """\
# Made by `python tools/text_options.py` from the plan `{name}` of `benchmark lmrl_gym` (docs/language.md).
"""


def files() -> dict[str, str]:
    """All files: name to text."""
    return {f"{plan.task}.yaml": HEAD.format(name=plan.task) + _text(parameters(plan)) for plan in PLANS}


def parameters(plan: Plan) -> dict[str, Any]:
    """The parameters of all nodes for the learners of a plan.

    The rate of learning is 0 once the data have been learned from, so nothing more is drawn from them while it plays.
    """
    task = {"/**": {"ros__parameters": {plan.task: dict(plan.options)}}} if plan.options else {}
    run = {"data": plan.data, "offline_updates": plan.shared["updates"], "samples_per_insert": 1.0}
    options = {learner: learner_options(plan, learner) for learner in plan.recipes}
    return {**task, "/**/text_learner": {"ros__parameters": {**run, **options}}}


def learner_options(plan: Plan, learner: str) -> dict[str, Any]:
    """The options of a learner that make of it, in one run, what the plan does.

    The benchmark makes a round of ``updates`` gradient steps many times; here an update has a step of each round, so
    that all learners of a task make equally many updates from data.
    """
    recipe, clone, steps = plan.recipes[learner], plan.recipes[CLONE], plan.shared["updates"]
    options = {**plan.shared, **recipe.options}
    rounds = 0 if recipe.own else recipe.rounds
    if rounds:
        options["decay_steps"] = rounds * steps
    if recipe.cloned:
        rate = {**plan.shared, **clone.options}["learning_rate"]
        options |= {"cloning_updates": clone.rounds * steps, "cloning_rate": rate}
        rounds += clone.rounds
    return options if recipe.own else {**options, "updates": rounds}


def _text(content: dict[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False))


def main() -> None:
    """Write the files, or compare them."""
    for name, text in files().items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{name} is not current; run: python tools/text_options.py")


if __name__ == "__main__":
    main()
