"""The plug-ins ``vlm_sft`` and ``vlm_ppo``: what they take, learn and keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import POLICY_FILE, write_checkpoint
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.text import TextObservation, TextTaskSpec
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.core.types import Candidates
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model, with_new_adapter
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build
from vlmrl_ros.policies.vlm.weights import fitting, parameters

SPEC = TextTaskSpec("way", ("+", "-"))
SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)
PHRASES = ('{"action": "+"}', '{"action": "-"}', "which?")
SEEN = TextObservation("<image>which?", (np.zeros((16, 16, 3), np.uint8),))
OPTIONS = {
    "vlm_sft": {"steps_per_update": 5, "min_turns": 2, "steps": 40, "learning_rate": 0.01},
    "vlm_gigpo": {"group_size": 4, "groups_per_update": 1, "minibatch": 4, "learning_rate": 0.01, "updates": 5},
    "vlm_ppo": {"turns_per_update": 8, "minibatch": 4, "learning_rate": 0.01, "updates": 5},
    "vlm_kto": {"min_turns": 8, "minibatch": 4, "steps_per_update": 3, "learning_rate": 0.01, "updates": 5},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    for part in build(["ab"], 0, SMALL, PHRASES):
        part.save_pretrained(path)
    return path


def learner_of(name: str, folder, seed: int = 0, spec=SPEC, **values):
    builder = registry.load("learners", name)
    assert builder.experience is Turn
    options = from_mapping(builder.config_type, {"model": str(folder), **OPTIONS[name], **values})
    return builder.build(spec, options, np.random.default_rng(seed))


def turns(learner, seed: int) -> list[Turn]:
    """Eight turns of two environments; every other first token is paid and is taken for "+", others are taken over."""
    said = Decoder(learner.model, learner.processor, 2).decode([SEEN] * 8, 0.7, torch.Generator().manual_seed(seed))
    made = []
    for row, one in enumerate(said):
        paid = int(one.token_ids[0]) % 2
        meant = read_action(PHRASES[paid], SPEC.legal_actions)
        made.append(
            Turn(
                *(SEEN, replace(one, text=PHRASES[paid]), meant, float(paid), True, False, SEEN, "start", row % 2),
                taken_over=not paid,
            )
        )
    return made


def taught(name: str, folder, **values):
    learner = learner_of(name, folder, **values)
    for update in range(2):
        for turn in turns(learner, update):
            learner.add(turn)
        assert learner.ready
        learner.update()
    return learner


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_learner_goes_on_from_its_checkpoint_as_it_would_have(name, dtype, folder, tmp_path):
    learner, other = taught(name, folder, dtype=dtype), learner_of(name, folder, seed=7, dtype=dtype)
    save_snapshot(tmp_path, learner.snapshot())
    other.restore(tmp_path)
    new = turns(learner, 9)
    if name == "vlm_sft":  # its examples are given again, as the replay of a bag does
        new = [turn for update in range(2) for turn in turns(learner_of(name, folder, dtype=dtype), update)] + new
        learner = learner_of(name, folder, dtype=dtype)
        learner.restore(tmp_path)
    for one in (learner, other):
        for turn in new:
            one.add(turn)
    assert learner.update() == other.update()
    assert all(np.array_equal(value, other.variables()[key]) for key, value in learner.variables().items())


def test_demonstrations_become_likely(folder):
    learner = learner_of("vlm_sft", folder)
    assert not learner.ready
    for turn in turns(learner, 0):
        learner.add(turn)
    losses = [learner.update()["loss"] for _ in range(6)]
    assert losses[-1] < losses[0] / 2


def test_of_several_pictures_each_is_learned_from(folder):
    learner = learner_of("vlm_sft", folder, minibatch=4, steps=100)
    (turn, *_), black, white = turns(learner, 0), *(np.full((16, 16, 3), shade, np.uint8) for shade in (0, 255))
    for paid, second in enumerate((black, white)):
        seen = TextObservation("<image><image>which?", (black, second))
        said = read_action(PHRASES[paid], SPEC.legal_actions)
        learner.add(replace(turn, observation=seen, utterance=replace(turn.utterance, text=PHRASES[paid]), said=said))
    losses = [learner.update()["loss"] for _ in range(10)]
    assert losses[-1] < 0.1, "their answers can be told apart by the second picture alone"


def test_what_was_punished_or_names_no_action_is_no_demonstration(folder):
    learner = learner_of("vlm_sft", folder)
    for turn in turns(learner, 0):
        learner.add(replace(turn, reward=-1.0))
        learner.add(replace(turn, said=read_action("", SPEC.legal_actions)))
    assert not learner.ready


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", OPTIONS)
def test_its_weights_are_those_that_the_policy_takes_and_of_an_adapter_no_others(name, dtype, folder):
    for rank in (0, 2):
        model = load_model(str(folder), dtype, "cpu", (), 0)[0]
        policy = with_new_adapter(model, rank) if rank else model
        learner = learner_of(name, folder, lora_rank=rank, dtype=dtype)
        for turn in turns(learner, 0):
            learner.add(turn)
        before = learner.variables()
        learner.update()
        after = learner.variables()
        assert set(fitting(policy, after)) == set(parameters(policy))
        assert any(not np.array_equal(after[key], before[key]) for key in before)
        assert all(".lora_" in key for key in after) == bool(rank)
        mine = {name.replace(".default.", "."): weight for name, weight in learner.model.named_parameters()}
        for key, value in fitting(policy, after).items():
            assert torch.equal(value, mine[key]), "the policy has what the learner computes with"


def test_a_learner_begins_where_another_one_ended(folder, tmp_path):
    first = taught("vlm_sft", folder)
    raw = save(dict(first.variables()))
    stored = write_checkpoint(tmp_path, 1, {POLICY_FILE: lambda: [raw]}, {}, None)
    second = learner_of("vlm_ppo", folder, start_from=str(stored.path))
    assert all(np.array_equal(value, second.variables()[name]) for name, value in first.variables().items())
    other = write_checkpoint(tmp_path, 2, {POLICY_FILE: lambda: [save({"x": np.zeros(2, np.float32)})]}, {}, None)
    whose = rf"1 unknown \(x\); vlm_ppo\.model is '{folder}', and start_from '{other.path}' is of another one"
    with pytest.raises(CheckpointError, match=whose):
        learner_of("vlm_ppo", folder, start_from=str(other.path))


@pytest.mark.parametrize("name", ["vlm_ppo", "vlm_gigpo"])
def test_reinforcement_goes_on_at_its_rate_unless_it_is_told_when_to_end(name, folder):
    for ending, alike in (({}, True), ({"last_rate": 0.05}, False)):
        soon, late = (taught(name, folder, updates=updates, **ending).variables() for updates in (1, 100))
        assert all(np.array_equal(value, late[key]) for key, value in soon.items()) is alike


def test_demonstrations_are_learned_from_for_as_long_as_they_come(folder):
    for ending, share in (({}, 1.0), ({"last_rate": 0.1}, 0.1)):
        learner = learner_of("vlm_sft", folder, steps=10, warm_up=2, **ending)
        for turn in turns(learner, 0):
            learner.add(turn)
        rates = [learner.update()["learning_rate"] for _ in range(4)]
        assert rates[0] < 0.01
        assert rates[2:] == pytest.approx([0.01 * share] * 2), "after all steps of the schedule"
        before = learner.variables()
        learner.update()
        assert any(not np.array_equal(value, before[key]) for key, value in learner.variables().items())
    with pytest.raises(ConfigError, match=r"last_rate is 0; valid: 0.001 to 1"):
        learner_of("vlm_sft", folder, last_rate=0.0)


@pytest.mark.parametrize("name", ["vlm_ppo", "vlm_gigpo"])
def test_reinforcement_takes_each_turn_once_and_says_that_its_ratio_began_at_one(name, folder):
    learner = learner_of(name, folder)
    for turn in turns(learner, 0):
        learner.add(turn)
    metrics = learner.update()
    assert metrics["first_ratio_error"] < 1e-4
    assert not learner.ready


def test_a_group_is_of_whole_episodes_that_began_alike(folder):
    learner = learner_of("vlm_gigpo", folder)
    first, *others = turns(learner, 0)[:4]
    for number, turn in enumerate(others):
        learner.add(replace(turn, terminated=False, anchor="start", arm=number))
        learner.add(replace(turn, anchor=f"own {number}", arm=number))
    learner.add(replace(first, terminated=False, arm=9))
    assert not learner.ready, "three episodes of two turns, and one that goes on"
    learner.add(replace(first, anchor="elsewhere", arm=9))
    assert learner.ready
    with pytest.raises(ConfigError, match="no anchor"):
        learner.add(replace(first, anchor=None))


@pytest.mark.parametrize("name", OPTIONS)
def test_what_does_not_fit_is_refused(name, folder, tmp_path):
    with pytest.raises(ConfigError, match="no text actions"):
        learner_of(name, folder, spec=Candidates(("a", "b")))
    with pytest.raises(ConfigError, match="valid: a folder with one"):
        learner_of(name, tmp_path)
    with pytest.raises(ConfigError, match="no texts are given"):
        learner_of(name, "tiny")
    with pytest.raises(ConfigError, match="device is 'cuda', but torch sees no CUDA device; valid: auto, cpu"):
        learner_of(name, folder, device="cuda")
    with pytest.raises(ConfigError, match="dtype is 'float16'; valid: float32, bfloat16"):
        learner_of(name, folder, dtype="float16")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        learner_of(name, folder, start_from=str(tmp_path))
    with pytest.raises(ConfigError, match="beside lora_rank 2"):
        learner_of(name, folder, start_from=str(tmp_path), lora_rank=2)
    learner = learner_of(name, folder, spec=TextTaskSpec("other", ("left",)))
    with pytest.raises(ConfigError, match=r"names the action '[+-]'; valid: \['left'\]"):
        learner.add(turns(learner, 0)[0])
    with pytest.raises(CheckpointError, match=name):
        learner.restore(tmp_path)
