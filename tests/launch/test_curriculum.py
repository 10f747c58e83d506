"""A curriculum through the real nodes: contexts change, roll-ins are acted and marked as such, bags say so."""

from __future__ import annotations

import json

import pytest
from fakes.observer import PATIENT, Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.core.episode_plan import Role

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

MAX_STEPS, HORIZON = 150, 10
SMALL = {"hidden": [8], "batch_size": 8, "critic_updates": 1, "critics": 2, "samples_per_insert": 1.0, "min_steps": 20}
EASY = {"stages": 12, "beta": 0.6, "window": 1, "threshold": 0.0, "discount": 0.8}
TASK = {"horizon": HORIZON, "speed_m_s": 5.0}


def settings(stage: Stage) -> str:
    groups = {"rlpd": SMALL, "rollin": EASY, "point_maze": TASK}
    options = {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
    learner = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 10**6}
    return str(stage.params_file({"/**": options, "/**/learner": learner}))


def test_the_bridge_begins_each_episode_as_planned_and_the_policy_acts_by_it(stage: Stage):
    run = stage.root / "runs" / "rollin"
    observer = Observer(stage.domain)
    said = observer.listen(JointState, "policy/status", PATIENT)
    launched = stage.launch(
        "sim_train.launch.py",
        *("curriculum:=rollin", "learner:=rlpd", "task:=point_maze", "operator:=none", f"run_dir:={run}"),
        *(f"max_steps:={MAX_STEPS}", "seed:=3", f"params_file:={settings(stage)}"),
    )
    observer.until(lambda: launched.ended, "the end of the run", 100.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output

    steps = list(read_steps([run])[1])
    plans = {step.feedback.episode: step.feedback.plan for step in steps}
    assert len({plan.context for plan in plans.values()}) > 1
    assert all(step.observation["state"][2] == pytest.approx(plans[step.feedback.episode].context) for step in steps)
    lengths = {step.feedback.episode: step.feedback.step for step in steps if step.feedback.last}
    assert lengths == {episode: HORIZON + plan.extra_steps for episode, plan in plans.items()}

    acted = {messages.stamp_of(m): messages.read_values(m, "policy/status")["role"] for m in said}
    marked = {step.stamp_ns: step.feedback.plan.role(step.feedback.step) for step in steps}
    assert set(marked.values()) == set(Role)
    assert {stamp_ns: acted[stamp_ns] for stamp_ns in marked} == marked

    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] == sum(lengths.values()) >= MAX_STEPS
    assert summary["chains_broken"] == 0
    assert summary["metrics"]["curriculum.stage"] >= 1


def test_a_curriculum_of_a_fleet_is_refused(stage: Stage):
    launched = stage.launch("sim_train.launch.py", "curriculum:=rollin", "num_arms:=2", "task:=reach")
    assert launched.wait() != 0
    assert "curriculum:=rollin goes with one arm; leave out num_arms:=2" in launched.output
