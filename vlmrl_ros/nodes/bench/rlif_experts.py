"""RLIF against imitation on Hopper, Walker2d and the Adroit pen, taught by experts of three levels on equal budgets.

A person is a checkpoint of our own SAC and takes over as the best one judges, at random at the same rate, or never.
Score: of the pen the share of episodes that end with it in place, else the normalised return of Fu et al., D4RL (2020),
0 for random actions and 1 for their expert; their environments were older versions of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.nodes.bench.alone import policy_alone
from vlmrl_ros.nodes.bench.experts import Candidate, Course, best_of, candidates, levels
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.lesson import Lesson, Outcome, epsilon, take
from vlmrl_ros.nodes.bench.ordering import holds
from vlmrl_ros.nodes.bench.skill_plot import draw_skill
from vlmrl_ros.nodes.evaluator import FRESH_SEED_OFFSET
from vlmrl_ros.policies.evaluation.statistics import Interval, mean_interval, success_interval
from vlmrl_ros.policies.expert import ExpertConfig
from vlmrl_ros.policies.reference import Reference
from vlmrl_ros.sim.load import build as build_task

SAC: Mapping[str, Any] = {
    "hidden": [256, 256],
    "batch_size": 256,
    "samples_per_insert": 256.0,
    "layer_norm": True,
    "discount": 0.99,
    "failure_lasts": False,
    "target_rate": 0.005,
    "average_rate": 0.005,
    "learning_rate": 3e-4,
    "critic_learning_rate": 3e-4,
    "reward_scale": 0.1,
    "capacity": 1_000_000,
    "min_steps": 1000,
}
"""Its critics judge the learners' actions, so they have the networks of :class:`Reference`."""
RLIF: Mapping[str, Any] = {
    "critics": 2,
    "critic_updates": 1,
    "samples_per_insert": 256.0,
    "target_rate": 0.01,
    "discount": 0.9,
    "stored": "release",
    "return_steps": 1,
    "ends": "blamed",
}
"""As the authors' code stores it; but falling is blamed, which is ours: without last steps who falls is never told so,
and with them as they come falling would pay, for nobody takes over after it.

The discount is ours too: a wrong action is punished one step later, so there is nothing to see further ahead for. One
update a step is what the authors have on Walker2d.
"""
JUDGED: Mapping[str, Any] = {"trigger": "judged"}
METHODS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "rlif_value": ("rlif", RLIF, JUDGED),
    "rlif_random": ("rlif", RLIF, {"trigger": "random"}),
    "hg_dagger": ("hg_dagger", {}, JUDGED),
    "dagger": ("dagger", {}, {"trigger": "never", "advises": True}),
    "bc": ("bc", {}, {"trigger": "never"}),
}
"""Method: learner, its options, and the habits of its operator; whoever has equal takeovers comes later."""
OURS, QUICK_METHODS = "rlif_value", ("rlif_value", "hg_dagger")


@dataclass(frozen=True)
class Domain:
    """A task, its experts and the budget that every method has on it.

    Attributes:
        name: in the figures.
        course: of the experts.
        zero: return, or success, of score 0.
        one: that of score 1.
        steps: of a lesson, without demonstrations.
        demonstrations: at first.
        alpha: part of the best action's value that an action must reach.
        episodes: of an evaluation on the way; three times as many in the end, and five times for an operator alone.
        seeds: how many; 5 where 3 do not decide.
    """

    name: str
    course: Course
    zero: float
    one: float
    steps: int
    demonstrations: int
    alpha: float = 0.99
    episodes: int = 10
    seeds: int = 3

    def score(self, measured: float) -> float:
        """Of a return, or success: normalised."""
        return (measured - self.zero) / (self.one - self.zero)

    def score_of(self, outcome: Outcome) -> float:
        """Of a lesson, by the measure of its experts."""
        return self.score(getattr(outcome, self.course.judged_by))


PEN: Mapping[str, Any] = {"failure_reward": -3.0, "success_steps": 21}
"""An episode ends where the pen falls, which costs 5, as it does in the environment of D4RL. It has succeeded with more
than 20 steps at the goal, as in the code of Rajeswaran et al. (2018), where the environment comes from.
"""
DOMAINS = (
    Domain("hopper", Course("gym:Hopper-v5", 160_000, 5000, learner_options=SAC), -20.272305, 3234.3, 40_000, 10),
    Domain(
        "walker2d",
        Course("gym:Walker2d-v5", 200_000, 5000, learner_options=SAC),
        zero=1.629008,
        one=4592.3,
        steps=100_000,
        demonstrations=10,
        seeds=5,
    ),
    Domain(
        "adroit_pen",
        Course("gym:AdroitHandPen-v1", 300_000, 5000, PEN, SAC, judged_by="success"),
        zero=0.0,
        one=1.0,
        steps=20_000,
        demonstrations=20,
        alpha=0.97,
        episodes=20,
    ),
)
FAST: Mapping[str, Any] = {
    "hidden": [64, 64],
    "batch_size": 128,
    "samples_per_insert": 512.0,
    "min_steps": 250,
    "target_rate": 0.02,
    "learning_rate": 1e-3,
    "critic_learning_rate": 1e-3,
}
QUICK_DOMAIN = Domain(
    "inverted_pendulum",
    Course("gym:InvertedPendulum-v5", 3000, 200, learner_options={**SAC, **FAST}, episodes=5),
    0.0,
    1000.0,
    3000,
    5,
    alpha=0.97,
)
"""Its experts are there within a minute."""


def measure_domain(domain: Domain, work: Path, quick: bool) -> Figures:
    """Train the experts, then every method with every operator on every seed.

    Args:
        domain: what, and on how much.
        work: where experts and finished lessons are kept.
        quick: two methods with the weakest operator, on one seed.

    Returns:
        score of the best weights in fresh episodes, share of steps in the person's hands; the scores of the
        reference and of each operator; ``<name>.ordering_holds``, by :func:`~vlmrl_ros.nodes.bench.ordering.holds`.
    """
    found = candidates(domain.course, work / "experts" / domain.name)
    people, judge = levels(found, domain.zero), best_of(found)
    if quick:
        people = {"weak": people["weak"]}
    figures = _alone(domain, f"{domain.name}.reference", judge)[0]
    seeds = range(1 if quick else domain.seeds)
    own, score = {}, {}
    for level, person in people.items():
        own_figures, interval = _alone(domain, f"{domain.name}.{level}.operator", person)
        figures |= own_figures
        own[level] = interval.low if level == "strong" else interval.mean
        taught = [_taught(domain, level, person, judge, seed, work, quick) for seed in seeds]
        for method in taught[0]:
            outcomes = [outcome[method] for outcome in taught]
            figures |= _figures(domain, f"{domain.name}.{level}.{method}", outcomes)
            score[method, level] = float(np.mean([domain.score_of(outcome) for outcome in outcomes]))
    figures[f"{domain.name}.ordering_holds"] = float(holds(score, own, OURS))
    if len(seeds) > 1:
        draw_skill(work / f"{domain.name}.png", domain.name, "score", tuple(people), tuple(METHODS), figures)
    return figures


def _taught(
    domain: Domain, level: str, person: Candidate, judge: Candidate, seed: int, work: Path, quick: bool
) -> dict[str, Outcome]:
    """Every method with one operator on one seed; random takeovers are as many as the judged ones were."""
    outcomes: dict[str, Outcome] = {}
    for method in QUICK_METHODS if quick else METHODS:
        lesson = lesson_of(domain, method, person, judge, seed)
        if lesson.operator_options["trigger"] == "random":
            rate = takeover_rate(outcomes[OURS].human_share, ExpertConfig.hold_steps)
            lesson = replace(lesson, operator_options={**lesson.operator_options, "takeover_rate": rate})
        outcomes[method] = take(lesson, f"{domain.name}_{method}_{level}_s{seed}", work)
    return outcomes


def lesson_of(domain: Domain, method: str, person: Candidate, judge: Candidate, seed: int) -> Lesson:
    """What a method is taught; the budgets are the domain's."""
    learner, options, habits = METHODS[method]
    judged = habits["trigger"] == "judged"
    return Lesson(
        learner=learner,
        learner_options=options,
        task=domain.course.task,
        task_options=domain.course.task_options,
        expert=str(person.directory),
        operator_options=habits,
        seed=seed,
        steps=domain.steps,
        demonstrations=domain.demonstrations,
        judge_every=max(1, domain.steps // 10),
        judge_from=domain.steps // 2,
        judged_by=domain.course.judged_by,
        episodes=domain.episodes,
        final_episodes=3 * domain.episodes,
        discount=1.0,
        reference=str(judge.directory) if judged else "",
        judgement={"beta": 0.95, "alpha": domain.alpha} if judged else {},
    )


def takeover_rate(human_share: float, hold_steps: int) -> float:
    """Chance of a takeover at a policy step under which a person who holds on so long has so much of the steps."""
    if human_share >= 1.0:
        return 1.0
    return min(1.0, human_share / (hold_steps * (1.0 - human_share)))


def _alone(domain: Domain, name: str, candidate: Candidate) -> tuple[Figures, Interval]:
    """Score of a candidate alone, with its 95 % interval over fresh episodes."""
    task = build_task(domain.course.task, domain.course.task_options)
    policy = Reference(candidate.directory, task.spec).policy
    alone = policy_alone(task, policy, 5 * domain.episodes, seed=FRESH_SEED_OFFSET)
    task.close()
    if domain.course.judged_by == "success":
        interval = success_interval(alone.successes, alone.episodes)
    else:
        interval = mean_interval([domain.score(value) for value in alone.values])
    ends = {f"{name}.score.low": interval.low, f"{name}.score.high": interval.high}
    return {f"{name}.score.mean": interval.mean, **ends, f"{name}.steps": float(candidate.step)}, interval


def _figures(domain: Domain, name: str, outcomes: Sequence[Outcome]) -> Figures:
    figures = over_seeds(f"{name}.score", [domain.score_of(outcome) for outcome in outcomes])
    figures[f"{name}.human_share"] = float(np.mean([outcome.human_share for outcome in outcomes]))
    return figures | epsilon(name, outcomes)
