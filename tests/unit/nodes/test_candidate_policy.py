from __future__ import annotations

import numpy as np
import pytest
from fakes.checkpoints import GOES_THERE, STANDS_STILL, corrupt, write_reacher

from vlmrl_ros.core.candidates import find_candidates
from vlmrl_ros.core.errors import CheckpointError, RangeError, ShapeError
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.nodes.candidate_policy import CandidatePolicy, load_candidates
from vlmrl_ros.sim.load import build


@pytest.fixture
def candidates(task, tmp_path):
    gains = {1: STANDS_STILL, 2: GOES_THERE, 3: GOES_THERE}
    for step, gain in gains.items():
        write_reacher(tmp_path, step, task.spec, gain)
    corrupt(tmp_path / "step_3")
    return find_candidates([str(tmp_path)])


@pytest.fixture
def policy(task, candidates):
    return CandidatePolicy(task.spec, candidates, seed=0)


def speed(policy: CandidatePolicy, spec) -> float:
    state = np.zeros(spec.observation.size, np.float32)
    state[spec.observation.names.index("target_x")] = 0.05
    return float(policy.act({"state": state}, np.random.default_rng(0))[0][0])


def test_what_cannot_be_loaded_is_named_and_the_others_act(task, candidates):
    policies, broken = load_candidates(candidates, task.spec)
    assert list(policies) == ["step_1", "step_2"]
    assert list(broken) == ["step_3"]
    assert "step_3' is damaged: policy.safetensors missing or changed" in broken["step_3"]


def test_a_checkpoint_of_another_task_cannot_be_loaded(candidates):
    other = build("point_maze", {})
    with pytest.raises(CheckpointError, match=r"no candidate can be loaded: .*trained on 'reach', not on 'point_maze'"):
        load_candidates(candidates, other.spec)


def test_nobody_acts_before_a_mixture_speaks_of_the_episode(policy):
    assert policy.begin(0) is None
    policy.take(Mixture.of_one(("step_1", "step_2", "step_3"), 1, last_episode=0))
    assert policy.begin(0) == 1
    assert policy.begin(1) is None


def test_the_candidate_of_an_episode_acts_to_its_end(task, policy):
    names = ("step_1", "step_2", "step_3")
    policy.take(Mixture.of_one(names, 0, last_episode=0))
    policy.begin(0)
    policy.take(Mixture.of_one(names, 1))
    assert policy.begin(0) == 0
    assert speed(policy, task.spec) == 0
    assert policy.begin(1) == 1
    assert speed(policy, task.spec) > 0.05


def test_a_new_server_draws_for_an_episode_what_the_one_before_it_drew(task, candidates):
    mixture = Mixture(("step_1", "step_2", "step_3"), (0.5, 0.5, 0.0))
    drawn = []
    for _ in range(2):
        policy = CandidatePolicy(task.spec, candidates, seed=4)
        policy.take(mixture)
        drawn.append([policy.begin(episode) for episode in range(30)])
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {0, 1}


def test_mixtures_of_others_or_of_what_cannot_act_are_refused_and_the_one_in_force_stays(policy):
    names = ("step_1", "step_2", "step_3")
    policy.take(Mixture.of_one(names, 1))
    with pytest.raises(ShapeError, match="2 candidates that are not the 3 here"):
        policy.take(Mixture.of_one(("a", "b"), 0))
    with pytest.raises(RangeError, match=r"may draw 'step_3', which cannot be loaded: .*damaged"):
        policy.take(Mixture(names, (0.5, 0.0, 0.5)))
    assert policy.begin(5) == 1
