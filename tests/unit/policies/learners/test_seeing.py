"""Learning from pixels: what the encoder learns from, and that the policy sees what the learner saw."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch.func import functional_call

from tests.unit.policies.learners.test_contract import OFFLINE_TO_ONLINE, fingerprint, learner_of
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import CameraSpec, TaskSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.episodic.actor_critic import Batch as EpisodicBatch
from vlmrl_ros.policies.learners.iql.config import IqlConfig
from vlmrl_ros.policies.learners.iql.learning import Iql
from vlmrl_ros.policies.learners.rlpd.builder import Builder
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.rlpd.learning import Batch
from vlmrl_ros.policies.learners.rlpd.seeing import SeeingRlpd
from vlmrl_ros.policies.networks.actor import mode, sample
from vlmrl_ros.policies.networks.ensemble import values

SMALL = {"hidden": (16, 16), "critics": 2, "latent": 6, "batch_size": 16, "critic_updates": 1, "device": "cpu"}
DATA = {"hidden": (16, 16), "latent": 6, "device": "cpu"}


def agent_of(spec: TaskSpec, **more: object) -> SeeingRlpd:
    return SeeingRlpd(spec, RlpdConfig(**{**SMALL, **more}), np.random.default_rng(0))


def block_of(spec: TaskSpec, rows: int = 16) -> tuple[Batch, list]:
    generator = torch.Generator().manual_seed(3)
    state, actions = spec.observation.size, spec.action.size
    widths = {"state": state, "action": actions, "reward": 1, "bootstrap": 1, "next_state": state}
    columns = {name: torch.rand(1, rows, width, generator=generator) for name, width in widths.items()}
    camera = spec.cameras[0]
    frames = torch.randint(0, 256, (2, rows, camera.height, camera.width, 3), dtype=torch.uint8, generator=generator)
    return Batch(**columns), [({camera.name: frames[0]}, {camera.name: frames[1]})]


def test_the_encoder_has_the_gradient_of_the_critics_loss(camera_spec):
    agent, (block, frames) = agent_of(camera_spec, shift_px=0, learning_rate=0.0), block_of(camera_spec)
    generator = torch.Generator()
    generator.set_state(agent.generator.get_state())
    agent.learn(block, frames)
    batch, sight = block[0], agent.eyes._sight
    weights = {name: tensor.clone().requires_grad_() for name, tensor in agent.eyes.weights.frozen.items()}
    seen, ahead = (functional_call(sight, weights, (end,)) for end in frames[0])
    next_state = torch.cat((batch.next_state, ahead.detach()), -1)
    noise = torch.randn(16, 2, generator=generator)
    action, _ = sample(agent.actor.frozen, next_state, noise)
    goal = batch.reward[:, 0] + 0.97 * batch.bootstrap[:, 0] * values(agent.critics.frozen, next_state, action).amin(0)
    predicted = values(agent.critics.frozen, torch.cat((batch.state, seen), -1), batch.action)
    (predicted - goal.detach()).square().mean(1).sum().backward()
    for name, weight in weights.items():
        expected = weight.grad
        torch.testing.assert_close(agent.eyes.weights.gradient_views[name], expected, rtol=1e-3, atol=1e-6)
    assert any(weight.grad.abs().sum() > 0 for name, weight in weights.items() if "encoders" in name)


@pytest.mark.parametrize("trained", [True, False])
def test_an_encoder_is_trained_or_frozen_as_asked(camera_spec, trained):
    agent = agent_of(camera_spec, train_encoder=trained)
    before = {name: value.copy() for name, value in agent.variables().items()}
    agent.learn(*block_of(camera_spec))
    after = agent.variables()
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any("projections" in name for name in changed)
    assert any("encoders" in name for name in changed) is trained


NARROW = ["channels=[4, 6, 8]"]


@pytest.mark.parametrize(
    ("weights", "options"), [("actor", []), ("actor_ema", []), ("actor", NARROW), ("actor_ema", NARROW)]
)
def test_the_policy_sees_what_the_learner_sees(camera_spec, transitions, weights, options):
    given = {**SMALL, "hidden": [16, 16], "min_steps": 16, "encoder_options": options}
    learner = Builder.build(camera_spec, from_mapping(RlpdConfig, given), np.random.default_rng(0))
    items = transitions(20, camera_spec)
    for item in items:
        learner.add(item)
    for _ in range(3):
        learner.update()
    policy = build_gaussian(camera_spec, {"explore": False, "weights": weights})
    policy.load(learner.variables())
    agent, observation = learner._rlpd, items[7].before.observation
    frames = {"wrist": torch.from_numpy(observation["wrist"])[None]}
    eyes, actor = (agent.eyes.weights, agent.actor) if weights == "actor" else (agent.eyes.average, agent.actor_ema)
    seen = functional_call(agent.eyes._sight, dict(eyes.frozen), (frames,))
    state = torch.from_numpy(camera_spec.observation.normalise(observation["state"]))[None]
    expected = camera_spec.action.denormalise(mode(actor.frozen, torch.cat((state, seen), -1))[0].numpy())
    found, _ = policy.act(observation, np.random.default_rng(0))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_weights_for_other_eyes_are_refused(camera_spec, transitions):
    variables = {**agent_of(camera_spec).variables()}
    learner = Builder.build(camera_spec, RlpdConfig(**SMALL), np.random.default_rng(0))
    whole = learner.variables()
    other = replace(camera_spec, cameras=(CameraSpec("front", 36, 40),))
    with pytest.raises(CheckpointError, match="weights 'sight/' do not fit"):
        build_gaussian(other, {}).load(whole)
    for damage in ({"sight/about": np.zeros(3, np.uint8)}, {"sight/norms.wrist.bias": np.full(6, np.nan, np.float32)}):
        with pytest.raises(CheckpointError, match="weights 'sight/' do not fit"):
            build_gaussian(camera_spec, {}).load({**whole, **damage})
    assert variables.keys() <= whole.keys()


def test_frozen_encoders_are_those_of_another_run(camera_spec, tmp_path):
    path = tmp_path / "policy.safetensors"
    other = learner_of("hg_dagger", camera_spec, seed=5).variables()
    save_file(dict(other), path)
    given = {"encoder_weights": str(path), "train_encoder": False}
    agent = agent_of(camera_spec, **given)
    agent.learn(*block_of(camera_spec))
    taken = {name: value for name, value in agent.variables().items() if name.startswith("sight/encoders.")}
    assert taken
    assert all(np.array_equal(value, other[name]) for name, value in taken.items())
    with pytest.raises(CheckpointError, match=r"encoders of '.*' cannot be taken: .*\s+size mismatch"):
        agent_of(camera_spec, **given, encoder_options=NARROW)
    with pytest.raises(CheckpointError, match="encoders of 'nowhere' cannot be taken: No such file"):
        agent_of(camera_spec, encoder_weights="nowhere")


def test_what_weights_say_of_themselves_takes_no_memory(camera_spec):
    whole = Builder.build(camera_spec, RlpdConfig(**SMALL), np.random.default_rng(0)).variables()
    vast = {"encoder": "nature_cnn", "latent": 6, "encoder_options": [f"channels=[{10**6}, {10**6}, {10**6}]"]}
    about = np.frombuffer(json.dumps(vast).encode(), np.uint8)
    with pytest.raises(CheckpointError, match=r"weights 'sight/' do not fit: .*\s+size mismatch"):
        build_gaussian(camera_spec, {}).load({**whole, "sight/about": about})


@pytest.mark.parametrize("name", ["rlif", "hg_dagger", "calql"])
def test_an_encoder_has_the_options_that_its_learner_is_given(camera_spec, name):
    weights = learner_of(name, camera_spec, encoder_options=NARROW).variables()
    shapes = [weights[f"sight/encoders.wrist.layers.{layer}.weight"].shape[0] for layer in (0, 2, 4)]
    assert shapes == [4, 6, 8]


def test_an_encoder_or_an_option_of_it_that_does_not_exist_is_refused(camera_spec):
    with pytest.raises(UnknownNameError, match="unknown encoder 'eye'"):
        agent_of(camera_spec, encoder="eye")
    with pytest.raises(UnknownNameError, match="unknown nature_cnn key 'depth'; valid: channels"):
        agent_of(camera_spec, encoder_options=("depth=3",))
    with pytest.raises(ConfigError, match=r"encoder_options has 'channels: 3'; valid: <name>=<JSON value>, like chan"):
        agent_of(camera_spec, encoder_options=("channels: 3",))


def bandit(spec: TaskSpec, count: int) -> list[Transition]:
    """A bright frame wants the first action high, a dark one low; the state says nothing of it."""
    rng, items = np.random.default_rng(0), []
    camera = spec.cameras[0]
    for number in range(count):
        bright = bool(rng.integers(2))
        frame = np.full((camera.height, camera.width, 3), 200 if bright else 40, np.uint8)
        action = rng.uniform(spec.action.low, spec.action.high).astype(np.float32)
        wanted = 1.0 if bright else -1.0
        reward = -float((spec.action.normalise(action)[0] - 0.8 * wanted) ** 2)
        state = rng.uniform(-0.2, 0.2, 3).astype(np.float32)
        steps = [
            Step(
                stamp_ns=(2 * number + k) * 10**8,
                observation={"state": state, camera.name: frame},
                feedback=Feedback(reward if k else 0.0, bool(k), False, False, number, k),
                policy_action=action,
                command=action,
                executed=action,
                intervention=Intervention(False, False, 0.0, Source.POLICY),
            )
            for k in (0, 1)
        ]
        items.append(Transition(*steps))
    return items


def skill_of(learner: Learner, spec: TaskSpec, items: list[Transition], updates: int) -> dict[bool, float]:
    """The mean first action, in [-1, 1], that a taught policy takes before bright frames and before dark ones."""
    for item in items:
        learner.add(item)
    for _ in range(updates):
        learner.update()
    policy, rng = build_gaussian(spec, {"explore": False}), np.random.default_rng(0)
    policy.load(learner.variables())
    chosen: dict[bool, list[float]] = {True: [], False: []}
    for item in items[:60]:
        observation = item.before.observation
        action = spec.action.normalise(policy.act(observation, rng)[0])
        chosen[bool(observation["wrist"][0, 0, 0] > 100)].append(float(action[0]))
    return {bright: float(np.mean(actions)) for bright, actions in chosen.items()}


FAST = {"hidden": [32, 32], "latent": 6, "batch_size": 32, "learning_rate": 3e-3, "shift_px": 1, "min_steps": 16}
CONTINUED = {"failure_lasts": False, "critic_learning_rate": 3e-3}
PAID = {"rlpd": {"critics": 2, "critic_updates": 1}} | dict.fromkeys(OFFLINE_TO_ONLINE, CONTINUED)
PAID["calql"] = {**CONTINUED, "cql_weight_online": 0.05, "sampled_actions": 4}
PAID["awac"] = {**CONTINUED, "advantage_scale": 0.1}
PAID["iql"] = {**CONTINUED, "inverse_temperature": 10.0}


@pytest.mark.parametrize("name", sorted(PAID.keys() - {"cql"}))  # whose update is that of calql
def test_it_learns_from_pixels_alone_what_pays(camera_spec, name):
    found = skill_of(learner_of(name, camera_spec, **FAST, **PAID[name]), camera_spec, bandit(camera_spec, 300), 120)
    assert found[True] > 0.4
    assert found[False] < -0.4


@pytest.mark.parametrize("name", ["bc", "dagger"])
def test_it_clones_from_pixels_alone_what_a_person_did(camera_spec, name):
    shown = [item for item in bandit(camera_spec, 300) if item.after.feedback.reward > -0.1]
    items = [replace(item, demonstration=True) for item in shown]
    found = skill_of(learner_of(name, camera_spec, **FAST), camera_spec, items, 60)
    assert found[True] > 0.4
    assert found[False] < -0.4


@pytest.mark.parametrize(("rate", "alike"), [(1.0, True), (0.5, False)])
@pytest.mark.parametrize("name", ["rlpd", "bc", "iql", "awac"])
def test_the_average_of_the_eyes_moves_as_that_of_the_actor_does(camera_spec, transitions, name, rate, alike):
    small = {"latent": 6, "hidden": [16, 16], "batch_size": 16, "min_steps": 16, "average_rate": rate}
    learner = learner_of(name, camera_spec, **small)
    for item in transitions(6, camera_spec):
        learner.add(item)
    for _ in range(2):
        learner.update()
    found = learner.variables()
    for newest, average in (("actor/", "actor_ema/"), ("sight/", "sight_ema/")):
        pairs = [(v, found[average + name[len(newest) :]]) for name, v in found.items() if name.startswith(newest)]
        assert all(np.allclose(*pair, rtol=0.0, atol=1e-6) for pair in pairs) is alike


@pytest.mark.parametrize("name", ["rlpd", "bc", "sac", "calql", "iql", "awac"])
def test_a_restored_learner_that_sees_goes_on_to_the_same_bit(camera_spec, transitions, tmp_path, name):
    small = {"latent": 6, "hidden": [16, 16], "batch_size": 16, "min_steps": 16, "capacity": 500}
    saved, restored = (learner_of(name, camera_spec, seed, **small) for seed in (1, 2))
    items = transitions(6, camera_spec)
    for item in items[:50]:
        saved.add(item)
    saved.update()
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    for learner in (saved, restored):
        for item in items[50:]:
            learner.add(item)
        learner.update()
    assert fingerprint(saved) == fingerprint(restored)


def test_the_encoder_of_those_who_learn_from_data_has_the_gradient_of_the_critics_loss_alone(camera_spec):
    config = IqlConfig(**DATA, learning_rate=0.0, critic_learning_rate=0.0, shift_px=0)
    agent, (data, frames) = Iql(camera_spec, config, np.random.default_rng(0)), block_of(camera_spec)
    block = EpisodicBatch(**vars(data), return_to_go=data.reward)
    agent.learn(block, frames, online=True)
    weights = {name: tensor.clone().requires_grad_() for name, tensor in agent._eyes.weights.frozen.items()}
    seen, ahead = (functional_call(agent._eyes._sight, weights, (end,)) for end in frames[0])
    next_state = torch.cat((data.next_state[0], ahead.detach()), -1)
    value = values(agent.more["state_value"].frozen, next_state, next_state[:, :0])[0]
    goal = data.reward[0, :, 0] + 0.97 * data.bootstrap[0, :, 0] * value
    predicted = values(agent.critics.frozen, torch.cat((data.state[0], seen), -1), data.action[0])
    (predicted - goal.detach()).square().mean(1).sum().backward()
    for name, weight in weights.items():
        torch.testing.assert_close(agent._eyes.weights.gradient_views[name], weight.grad, rtol=1e-3, atol=1e-6)
