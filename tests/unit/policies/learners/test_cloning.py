from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.bc.builder import Builder as Bc
from vlmrl_ros.policies.learners.dagger.builder import Builder as Dagger
from vlmrl_ros.policies.learners.hg_dagger.builder import Builder as HgDagger

OPTIONS = {"hidden": [32, 32], "learning_rate": 3e-3, "min_steps": 20, "average_rate": 0.02}


@pytest.mark.parametrize("builder", [Bc, HgDagger], ids=["bc", "hg_dagger"])
def test_a_clone_acts_as_the_person_did(builder, spec, transitions):
    learner = builder.build(spec, from_mapping(builder.config_type, OPTIONS), np.random.default_rng(0))
    for item in transitions(150):
        learner.add(item)
    for _ in range(300):
        learner.update()
    policy, rng = build_gaussian(spec, {"weights": "actor_ema"}), np.random.default_rng(1)
    policy.load(learner.variables())
    for state in rng.uniform(-0.15, 0.15, (20, 3)).astype(np.float32):
        action, _ = policy.act({"state": state}, rng)
        np.testing.assert_allclose(action, -state[:2] / 2, atol=0.015)


def test_behaviour_cloning_takes_demonstrations_only_and_hg_dagger_takeovers_too(spec, transitions):
    demonstrations = [item for item in transitions() if item.demonstration]
    takeovers = [item for item in transitions() if item.human and not item.demonstration]
    policy_steps = [item for item in transitions() if not item.human]
    ready = {}
    for name, builder in {"bc": Bc, "hg_dagger": HgDagger}.items():
        for kind, items in {"demos": demonstrations, "takeovers": takeovers, "policy": policy_steps}.items():
            learner = builder.build(spec, from_mapping(builder.config_type, OPTIONS), np.random.default_rng(0))
            for item in items:
                learner.add(item)
            ready[name, kind] = learner.ready
    assert [kind for (name, kind), is_ready in ready.items() if name == "bc" and is_ready] == ["demos"]
    assert [kind for (name, kind), is_ready in ready.items() if name == "hg_dagger" and is_ready] == [
        "demos",
        "takeovers",
    ]


def with_advice(item: Transition) -> Transition:
    """A person says at each step of the policy that they would steer against the state."""
    before = item.before
    if item.human:
        return item
    said = tuple((-before.observation["state"][:2] / 2).tolist())
    return replace(item, before=replace(before, intervention=replace(before.intervention, advice=said)))


def test_dagger_learns_from_advice_alone_where_hg_dagger_has_nothing(spec, transitions):
    items = [with_advice(item) for item in transitions(150) if not item.human]
    learners = {
        name: builder.build(spec, from_mapping(builder.config_type, OPTIONS), np.random.default_rng(0))
        for name, builder in {"dagger": Dagger, "hg_dagger": HgDagger}.items()
    }
    for learner in learners.values():
        for item in items:
            learner.add(item)
    assert not learners["hg_dagger"].ready
    for _ in range(300):
        learners["dagger"].update()
    policy, rng = build_gaussian(spec, {"weights": "actor_ema"}), np.random.default_rng(1)
    policy.load(learners["dagger"].variables())
    for state in rng.uniform(-0.15, 0.15, (20, 3)).astype(np.float32):
        np.testing.assert_allclose(policy.act({"state": state}, rng)[0], -state[:2] / 2, atol=0.015)


def test_hg_dagger_as_released_clones_the_policy_too(spec, transitions):
    config = from_mapping(HgDagger.config_type, {**OPTIONS, "cloned": "all"})
    learner = HgDagger.build(spec, config, np.random.default_rng(0))
    for item in transitions():
        if not item.human:
            learner.add(item)
    assert learner.ready
