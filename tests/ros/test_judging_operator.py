"""A value-based operator among the nodes: takes over exactly when their reference finds the policy's action wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes.observer import ACTIVATE, CONFIGURE, Observer, Watcher
from fakes.processes import Stage

from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.bench.references import write_reference
from vlmrl_ros.policies.reference import Judge, JudgementConfig
from vlmrl_ros.sim.load import build

pytestmark = pytest.mark.ros

SEED, TAKEOVERS = 5, 8


def taken_over(steps: list[Step]) -> int:
    return sum(step.intervention.edge for step in steps)


def test_takeovers_are_the_judgements_of_the_reference(stage: Stage, observer: Observer):
    task = build("reach", {})
    reference = write_reference(stage.root / "reference", task.spec)
    task.close()
    stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 4})
    stage.node("policy_server")
    stage.node("teleop", {"profile": "scripted", "joy_sync": True})
    habits = {"operator.trigger": "judged", "judgement.beta": 0.9, "operator.hold_steps": 2}
    person = {"operator": "reach", "demonstrations": 0, "seed": SEED, "reference": str(reference)}
    stage.node("scripted_operator", {**person, **habits})
    observer.bring_up("policy_server", "teleop", "scripted_operator")
    observer.change("sim_bridge", CONFIGURE)
    watcher = Watcher(observer, observer.spec(), paces=True)
    observer.change("sim_bridge", ACTIVATE)
    observer.until(lambda: taken_over(watcher.steps) >= TAKEOVERS, "takeovers")

    judge = Judge(reference, observer.spec(), JudgementConfig(beta=0.9), SEED)
    judged = [
        (judge.is_wrong(before.observation, before.executed, step.feedback), step.intervention.edge)
        for before, step in pairwise(watcher.steps)
        if step.feedback.step and not (before.intervention.active or step.feedback.success)
    ]
    assert sum(taken for _, taken in judged) >= TAKEOVERS
    assert [taken for _, taken in judged] == [wrong for wrong, _ in judged]
    assert (False, False) in judged
