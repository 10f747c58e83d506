from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.bc.builder import Builder as Bc
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
