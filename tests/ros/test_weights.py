"""Weights on their way: a real learner teaches a real policy server through a real loop."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.observer import Observer, Watcher
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_msgs.msg import UInt8MultiArray

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.weights import decode
from vlmrl_ros.policies.gaussian import build

pytestmark = pytest.mark.ros

MAX_STEPS = 600
SMALL = {"rlif.min_steps": 16, "rlif.batch_size": 16, "rlif.samples_per_insert": 32.0, "rlif.hidden": [16]}


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    run = stage.root / "run"
    bridge = stage.node("sim_bridge", {"task": "reach", "learner_lag_steps": 4})
    stage.node("policy_server", {"gaussian.explore": False})
    stage.node("teleop", {"profile": "scripted", "joy_sync": True})
    stage.node("scripted_operator", {"operator": "reach", "demonstrations": 1})
    options = {"run_dir": str(run), "max_steps": MAX_STEPS, "publish_every": 5, **SMALL}
    learner = stage.node("learner", {**options, "final_eval_episodes": 0})
    weights = observer.listen(UInt8MultiArray, "weights")
    status = observer.listen(JointState, "policy/status")
    learned = observer.listen(JointState, "learner/status")
    observer.bring_up("learner", "policy_server", "teleop", "scripted_operator")
    observer.change("sim_bridge", 1)
    watcher = Watcher(observer, observer.spec())
    observer.change("sim_bridge", 3)
    heard = {"weights": weights, "status": status, "learned": learned, "watcher": watcher, "spec": observer.spec()}
    return SimpleNamespace(run=run, learner=learner, bridge=bridge, **heard)


def versions(loop: SimpleNamespace) -> dict[int, int]:
    """Stamp of each answer of the policy to the weights version that it acted with."""
    return {messages.stamp_of(m): int(m.position[0]) for m in loop.status}


def test_the_policy_acts_with_weights_that_get_newer_and_newer(observer, loop):
    observer.until(lambda: loop.status and loop.status[-1].position[0] >= 10, "the tenth version")
    seen = list(versions(loop).values())
    assert seen[0] == 0
    assert seen == sorted(seen)


def test_every_action_is_the_one_that_its_weights_give(observer, loop):
    learned = {w.version: w for w in map(decode, loop.weights)}
    policy = build(loop.spec, {"explore": False})
    acted_with = versions(loop)
    actions: dict[int, np.ndarray] = {}
    for step in list(loop.watcher.steps):
        version = acted_with.get(step.stamp_ns, 0)
        if version in learned:
            policy.load(learned[version].variables)
            expected, _ = policy.act(step.observation, np.random.default_rng(0))
            np.testing.assert_array_equal(step.policy_action, expected)
            actions.setdefault(version, expected)
    assert len(actions) >= 5
    assert len({action.tobytes() for action in actions.values()}) == len(actions), "new weights, new action"


def test_the_learner_says_after_each_step_where_in_the_run_it_is(observer, loop):
    observer.until(lambda: any(s.feedback.last for s in loop.watcher.steps[:-30]), "the end of an episode")
    said = {messages.stamp_of(m): messages.read_values(m, "learner/status") for m in list(loop.learned)}
    known = [step for step in list(loop.watcher.steps) if step.stamp_ns in said]
    assert any(step.feedback.last for step in known)
    for step in known:
        row = said[step.stamp_ns]
        assert (row["episode"], row["last"]) == (step.feedback.episode, step.feedback.last)
    assert said[known[0].stamp_ns]["demonstrations"] == 0
    assert said[known[-1].stamp_ns]["demonstrations"] == 1


def test_at_the_end_the_learner_leaves_a_whole_run_and_goes(observer, loop):
    observer.until(lambda: loop.learner.ended, "the end of the run", 120.0)
    assert loop.learner.wait() == 0
    summary = json.loads((loop.run / "summary.json").read_text())
    assert MAX_STEPS <= summary["steps"] < MAX_STEPS + loop.spec.horizon
    assert summary["interrupted"] is False
    assert summary["chains_broken"] == 0
    assert summary["demonstrations"] + summary["demonstrations_failed"] >= 1
    assert not list(loop.run.rglob("*.partial"))
    recorded = sum(e["takeovers"] for e in json.loads((loop.run / "episodes.json").read_text()))
    assert recorded > 0
    observer.until(lambda: sum(t.took_over for t in loop.watcher.transitions) >= recorded, "each takeover recorded")


def test_when_learning_has_ended_the_simulation_stands_still(observer, loop):
    observer.until(lambda: observer.diagnosis("/sim_bridge")[1].get("state") == "active", "diagnostics")
    observer.drain()
    at = len(loop.watcher.steps)
    observer.watch(0.5)
    assert len(loop.watcher.steps) == at
    assert loop.bridge.process.poll() is None
