from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.rlif.builder import Builder as RlifBuilder
from vlmrl_ros.policies.learners.rlif.config import RlifConfig
from vlmrl_ros.policies.learners.rlpd.builder import Builder as RlpdBuilder
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig
from vlmrl_ros.policies.learners.rlpd.learning import Batch, Rlpd
from vlmrl_ros.policies.networks.actor import sample
from vlmrl_ros.policies.networks.ensemble import values

CONFIG = RlpdConfig(hidden=(32, 32), critics=3, target_critics=3, discount=0.8)


def batch(spec: TaskSpec, count: int = 16, *, reward: float = 0.0, bootstrap: float = 1.0) -> Batch:
    generator = torch.Generator().manual_seed(0)
    state, following = torch.rand(2, count, spec.observation.size, generator=generator) * 2 - 1
    action = torch.rand(count, spec.action.size, generator=generator) * 2 - 1
    return Batch(state, action, torch.full((count, 1), reward), torch.full((count, 1), bootstrap), following)


def rlpd(spec: TaskSpec, **changes: object) -> Rlpd:
    return Rlpd(spec, dataclasses.replace(CONFIG, **changes), np.random.default_rng(0))


def learnt_value(spec: TaskSpec, data: Batch, **changes: object) -> float:
    """The value that the critics settle at."""
    agent = rlpd(spec, learning_rate=3e-3, target_rate=0.05, **changes)
    for _ in range(500):
        value = agent.update_critics(data, *agent.next_actions(data.next_state))["value"]
    return float(value)


def test_a_step_that_goes_on_forever_is_worth_the_discounted_sum(spec):
    assert learnt_value(spec, batch(spec, reward=-1.0)) == pytest.approx(-5.0, rel=0.05)


def test_termination_does_not_bootstrap(spec):
    assert learnt_value(spec, batch(spec, reward=-1.0, bootstrap=0.0)) == pytest.approx(-1.0, abs=0.05)


def test_values_above_zero_are_clipped_where_no_reward_is_positive(spec):
    data = batch(spec, reward=1.0)
    assert learnt_value(spec, data, nonpositive_values=True) == pytest.approx(0.0, abs=0.1)
    assert learnt_value(spec, data) > 3.0


def test_the_target_takes_the_least_of_a_random_subset_of_critics(spec):
    data = batch(spec)
    one, all_three = (rlpd(spec, target_critics=m, learning_rate=0.0) for m in (1, 3))
    losses = {float(one.update_critics(data, *one.next_actions(data.next_state))["critic_loss"]) for _ in range(20)}
    fixed_action = all_three.next_actions(data.next_state)
    steady = {float(all_three.update_critics(data, *fixed_action)["critic_loss"]) for _ in range(5)}
    assert len(losses) > 3
    assert len(steady) == 1


def test_entropy_enters_the_target_only_if_asked(spec):
    data = batch(spec)
    agents = [rlpd(spec, entropy_backup=asked, temperature=1.0) for asked in (False, True)]
    ahead = agents[0].next_actions(data.next_state)
    plain, soft = (float(agent.update_critics(data, *ahead)["critic_loss"]) for agent in agents)
    assert plain != pytest.approx(soft, rel=1e-3)


def test_the_actors_update_leaves_the_critics_alone_and_the_critics_the_actor(spec):
    agent, data = rlpd(spec), batch(spec)
    ahead = agent.next_actions(data.next_state)
    critics, actor = agent.critics.values.clone(), agent.actor.values.clone()
    agent.update_actor(data)
    assert torch.equal(agent.critics.values, critics)
    assert not torch.equal(agent.actor.values, actor)
    actor = agent.actor.values.clone()
    agent.update_critics(data, *ahead)
    assert torch.equal(agent.actor.values, actor)
    assert not torch.equal(agent.critics.values, critics)


@pytest.mark.parametrize(("target", "rises"), [(5.0, True), (-5.0, False)])
def test_the_temperature_moves_the_entropy_towards_its_target(spec, target, rises):
    agent, data = rlpd(spec, target_entropy=target, learning_rate=1e-2), batch(spec)
    temperatures = [float(agent.update_actor(data)["temperature"]) for _ in range(20)]
    assert (temperatures[-1] > temperatures[0]) is rises


def test_each_member_of_the_ensemble_learns_as_if_alone(spec):
    """The summed loss gives each critic its own gradient: training all at once equals training one of them."""
    data = batch(spec, reward=-1.0, bootstrap=0.0)
    agent = rlpd(spec)
    ahead = agent.next_actions(data.next_state)
    first = {name: tensor[:1].clone() for name, tensor in agent.critics.frozen.items()}
    alone = rlpd(spec, critics=1, target_critics=1)
    for name, tensor in alone.critics.frozen.items():
        tensor.copy_(first[name])
    for _ in range(5):
        agent.update_critics(data, *ahead)
        alone.update_critics(data, *ahead)
    for name, tensor in alone.critics.frozen.items():
        torch.testing.assert_close(agent.critics.frozen[name][:1], tensor, rtol=1e-4, atol=1e-5)


def corridor(rng: np.random.Generator) -> tuple[TaskSpec, list[Transition]]:
    """One state, one action: a person takes over whenever the policy goes left, and drives right."""
    state = VectorSpec(("x",), ("m",), np.array([-1.0]), np.array([1.0]))
    spec = TaskSpec("corridor", state, VectorSpec(("dx",), ("m/s",), np.array([-1.0]), np.array([1.0])), (), 0.1, 20)
    items, zero = [], np.zeros(1, np.float32)
    for number in range(400):
        human = number % 4 == 0
        action = np.array([abs(rng.uniform()) if human else rng.uniform(-1, 1)], np.float32)
        edge = not human and action[0] < 0
        x, following = ({"state": rng.uniform(-1, 1, 1).astype(np.float32)} for _ in range(2))
        before = Intervention(human, False, 0.0, Source.HUMAN if human else Source.POLICY)
        after = Intervention(edge, edge, -float(edge), Source.HUMAN if edge else Source.POLICY)
        quiet = Feedback(0.0, False, False, False, number, 0)
        items.append(
            Transition(
                Step(0, x, quiet, action, action, action, before),
                Step(1, following, dataclasses.replace(quiet, step=1), zero, zero, zero, after),
            )
        )
    return spec, items


def test_rlif_learns_from_takeovers_alone_what_a_person_wants():
    spec, items = corridor(np.random.default_rng(0))
    config = RlifConfig(hidden=(32, 32), learning_rate=3e-3, batch_size=64)
    learner = RlifBuilder.build(spec, config, np.random.default_rng(0))
    for item in items:
        learner.add(item)
    for _ in range(250):
        learner.update()
    policy, rng = build_gaussian(spec, {"explore": False}), np.random.default_rng(1)
    policy.load(learner.variables())
    chosen = [policy.act({"state": np.array([x], np.float32)}, rng)[0][0] for x in np.linspace(-0.9, 0.9, 7)]
    assert min(chosen) > 0.1


class PlainRlpd:
    """The same update by autograd and torch.optim over the plain networks, written for reading."""

    def __init__(self, agent: Rlpd, config: RlpdConfig, spec: TaskSpec) -> None:
        self.config, self.aim = config, config.target_entropy * spec.action.size
        copies = {"actor": agent.actor, "critics": agent.critics, "temperature": agent.temperature}
        self.nets = {n: {k: t.clone().requires_grad_() for k, t in net.frozen.items()} for n, net in copies.items()}
        self.targets = {name: tensor.detach().clone() for name, tensor in self.nets["critics"].items()}
        self.adam = {n: torch.optim.Adam(net.values(), lr=config.learning_rate) for n, net in self.nets.items()}
        self.generator = torch.Generator()
        self.generator.set_state(agent.generator.get_state())

    def update(self, block: Batch) -> None:
        c, draw = self.config, {"generator": self.generator}
        noise = torch.randn(block.action.shape, **draw), torch.randn(block.action.shape[1:], **draw)
        chosen = [torch.randperm(c.critics, **draw)[: c.target_critics] for _ in block.state]
        for index, members in enumerate(chosen):
            batch = block[index]
            with torch.no_grad():
                action, log_likelihood = sample(self.nets["actor"], batch.next_state, noise[0][index])
                ahead = values(self.targets, batch.next_state, action)[members].amin(0)
                ahead -= self.nets["temperature"]["log"].exp() * log_likelihood
                target = batch.reward[:, 0] + c.discount * batch.bootstrap[:, 0] * ahead
            predicted = values(self.nets["critics"], batch.state, batch.action)
            self.step("critics", (predicted - target).square().mean(1).sum())
            for name, tensor in self.targets.items():
                tensor.lerp_(self.nets["critics"][name].detach(), c.target_rate)
        action, log_likelihood = sample(self.nets["actor"], batch.state, noise[1])
        worth = values(self.nets["critics"], batch.state, action)
        worth = worth.amin(0) if c.actor_value == "min" else worth.mean(0)
        log = self.nets["temperature"]["log"]
        self.step("actor", (log.exp().detach() * log_likelihood - worth).mean())
        self.step("temperature", (log.exp() * (-log_likelihood.detach().mean() - self.aim)).sum())

    def step(self, name: str, loss: torch.Tensor) -> None:
        self.adam[name].zero_grad()
        loss.backward(inputs=list(self.nets[name].values()))
        self.adam[name].step()


@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("actor_value", ["min", "mean"])
def test_blocks_of_updates_equal_the_plain_algorithm_to_rounding(spec, layer_norm, actor_value):
    config = dataclasses.replace(
        CONFIG, critics=4, target_critics=2, critic_updates=3, layer_norm=layer_norm, actor_value=actor_value,
        entropy_backup=True, learning_rate=1e-3,
    )  # fmt: skip
    agent = Rlpd(spec, config, np.random.default_rng(0))
    plain = PlainRlpd(agent, config, spec)
    generator = torch.Generator().manual_seed(1)
    for _ in range(4):
        state, following = torch.rand(2, 3, 16, spec.observation.size, generator=generator) * 2 - 1
        action, reward = (torch.rand(3, 16, size, generator=generator) * 2 - 1 for size in (spec.action.size, 1))
        block = Batch(state, action, reward, (reward > -0.8).float(), following)
        agent.update(block)
        plain.update(block)
    for name, mine in {"actor": agent.actor, "critics": agent.critics, "temperature": agent.temperature}.items():
        for part, tensor in plain.nets[name].items():
            torch.testing.assert_close(mine.frozen[part], tensor.detach(), rtol=1e-4, atol=2e-6, msg=f"{name} {part}")
    for part, tensor in plain.targets.items():
        torch.testing.assert_close(agent.target_critics.frozen[part], tensor, rtol=1e-4, atol=2e-6)


def test_a_learner_in_bfloat16_learns_the_same_value(spec):
    assert learnt_value(spec, batch(spec, reward=-1.0), precision="bfloat16") == pytest.approx(-5.0, rel=0.05)


class Watch(TorchDispatchMode):
    """Notes what a graph cannot hold: draws, and numbers that leave the device."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if {torch.Tag.nondeterministic_seeded, torch.Tag.data_dependent_output} & set(func.tags):
            self.seen.add(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_captured_is_always_given_the_same_tensors_and_neither_draws_nor_waits(spec, transitions, precision):
    config = dataclasses.replace(
        CONFIG, critics=4, target_critics=2, critic_updates=3, batch_size=16, min_steps=16, precision=precision
    )
    learner = RlpdBuilder.build(spec, config, np.random.default_rng(0))
    for item in transitions():
        learner.add(item)
    agent, watch, given = learner._rlpd, Watch(), []

    def captured(block: Batch, *drawn: torch.Tensor) -> dict[str, torch.Tensor]:
        given.append([(tensor.data_ptr(), tensor.shape) for tensor in (*vars(block).values(), *drawn)])
        with watch:
            return agent._learn(block, *drawn)

    agent._captured = captured
    for _ in range(3):
        learner.update()
    assert given[0] == given[1] == given[2]
    assert not watch.seen
    with watch:
        float(torch.randn(1, generator=agent.generator))
    assert watch.seen == {"aten.randn.generator", "aten._local_scalar_dense.default"}
