from __future__ import annotations

import numpy as np
import pytest
from fakes.checkpoints import GOES_THERE, STANDS_STILL, corrupt, write_reacher
from fakes.specs import SEEING
from fakes.vlm_models import llava
from safetensors.numpy import save

from vlmrl_ros.core.candidates import find_candidates
from vlmrl_ros.core.checkpoint import POLICY_FILE, write_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError, RangeError, ShapeError, UnknownNameError
from vlmrl_ros.core.interfaces import Policy
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.nodes.candidate_policy import CandidatePolicy, load_candidates
from vlmrl_ros.policies.gaussian import build as gaussian
from vlmrl_ros.policies.vlm.policy import build as vlm
from vlmrl_ros.policies.vlm.weights import variables
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
    return CandidatePolicy(task.spec, candidates, 0, nobody)


def nobody() -> Policy:
    raise AssertionError("nobody is told anything")


def speed(policy: CandidatePolicy, spec) -> float:
    state = np.zeros(spec.observation.size, np.float32)
    state[spec.observation.names.index("target_x")] = 0.05
    return float(policy.act({"state": state}, np.random.default_rng(0))[0][0])


def test_what_cannot_be_loaded_is_named_and_the_others_act(task, candidates):
    policies, broken = load_candidates(candidates, task.spec, nobody)
    assert list(policies) == ["step_1", "step_2"]
    assert list(broken) == ["step_3"]
    assert "step_3' is damaged: policy.safetensors missing or changed" in broken["step_3"]


def test_a_checkpoint_of_another_task_cannot_be_loaded(candidates):
    other = build("point_maze", {})
    with pytest.raises(CheckpointError, match=r"no candidate can be loaded: .*trained on 'reach', not on 'point_maze'"):
        load_candidates(candidates, other.spec, nobody)


def test_nobody_acts_before_a_mixture_speaks_of_the_episode(policy):
    assert policy.begin(0) is None
    policy.follow(Mixture.of_one(("step_1", "step_2", "step_3"), 1, last_episode=0))
    assert policy.begin(0) == 1
    assert policy.begin(1) is None


def test_the_candidate_of_an_episode_acts_to_its_end(task, policy):
    names = ("step_1", "step_2", "step_3")
    policy.follow(Mixture.of_one(names, 0, last_episode=0))
    policy.begin(0)
    policy.follow(Mixture.of_one(names, 1))
    assert policy.begin(0) == 0
    assert speed(policy, task.spec) == 0
    assert policy.begin(1) == 1
    assert speed(policy, task.spec) > 0.05


def test_a_new_server_draws_for_an_episode_what_the_one_before_it_drew(task, candidates):
    mixture = Mixture(("step_1", "step_2", "step_3"), (0.5, 0.5, 0.0))
    drawn = []
    for _ in range(2):
        policy = CandidatePolicy(task.spec, candidates, 4, nobody)
        policy.follow(mixture)
        drawn.append([policy.begin(episode) for episode in range(30)])
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {0, 1}


def test_mixtures_of_others_or_of_what_cannot_act_are_refused_and_the_one_in_force_stays(policy):
    names = ("step_1", "step_2", "step_3")
    policy.follow(Mixture.of_one(names, 1))
    with pytest.raises(ShapeError, match="2 candidates that are not the 3 here"):
        policy.follow(Mixture.of_one(("a", "b"), 0))
    with pytest.raises(RangeError, match=r"may draw 'step_3', which cannot be loaded: .*damaged"):
        policy.follow(Mixture(names, (0.5, 0.0, 0.5)))
    assert policy.begin(5) == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("model")
    for part in llava(["What is to be done?", answer("I see.", "move left a little")]):
        part.save_pretrained(str(folder))
    return {"model": str(folder), "max_new_tokens": 4, "lora_rank": 2}


def asked(policy: CandidatePolicy, instruction: str) -> str:
    """The prompt of what was thought about."""
    frame = np.zeros((32, 32, 3), np.uint8)
    question = Question({"state": np.zeros(1, np.float32), "front": frame}, np.random.default_rng(0), instruction)
    return str(policy.think([question])[0].thought["prompt"])


def test_one_policy_is_told_the_instruction_of_the_candidate_that_acts(model):
    made = []

    def told() -> Policy:
        made.append(vlm(SEEING, model))
        return made[-1]

    found = find_candidates(["instruction:push it left", "instruction:push it right"])
    policy = CandidatePolicy(SEEING, found, 0, told)
    assert policy.thinks
    for arm, sentence in enumerate(found):
        policy.follow(Mixture.of_one(tuple(found), arm))
        assert policy.begin(arm) == arm
        prompt = asked(policy, "stand still")
        assert f"The task: {sentence}." in prompt
        assert "stand still" not in prompt
    assert len(made) == 1


def test_a_checkpoint_that_thinks_is_told_what_the_robot_is_told(model, tmp_path):
    weights = save(dict(variables(vlm(SEEING, model).model)))
    about = {"task_spec": SEEING.to_json(), "policy": "vlm", "policy_options": model}
    for step in (1, 2):
        write_checkpoint(tmp_path, step, {POLICY_FILE: lambda: [weights]}, about, None)
    found = find_candidates([str(tmp_path)])
    policy = CandidatePolicy(SEEING, found, 0, nobody)
    assert policy.thinks
    assert not policy.broken
    policy.follow(Mixture.of_one(tuple(found), 1))
    policy.begin(0)
    assert "The task: lift it." in asked(policy, "lift it")


def test_a_skill_begins_anew_in_each_episode(task, candidates):
    found = {**candidates, **find_candidates(["skill:wait", "skill:move forward"])}
    policy = CandidatePolicy(task.spec, found, 0, nobody)
    assert not policy.thinks
    policy.follow(Mixture.of_one(tuple(found), 4))
    state = {"state": np.zeros(task.spec.observation.size, np.float32)}
    for episode in (0, 1):
        policy.begin(episode)
        policy.reset()
        actions = [policy.act(state, np.random.default_rng(0))[0][0] for _ in range(200)]
        assert actions[0] > 0
        assert actions[-1] == 0


@pytest.mark.parametrize(
    ("texts", "error", "line"),
    [
        (["skill:wait", "skill:fly"], UnknownNameError, "unknown skill 'fly'; valid: .*wait"),
        (["skill:wait", "instruction:go"], ConfigError, "candidate 'go' thinks and 'wait' acts at once"),
    ],
)
def test_what_cannot_be_chosen_among_is_refused(model, texts, error, line):
    with pytest.raises(error, match=line):
        CandidatePolicy(SEEING, find_candidates(texts), 0, lambda: vlm(SEEING, model))


def test_a_policy_that_does_not_think_cannot_be_told_anything(task):
    found = find_candidates(["instruction:go", "instruction:come"])
    with pytest.raises(ConfigError, match=r"candidate 'go' is an instruction, for a policy that thinks \(vlm\)"):
        CandidatePolicy(task.spec, found, 0, lambda: gaussian(task.spec, {}))
