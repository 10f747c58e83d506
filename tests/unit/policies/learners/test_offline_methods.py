"""SAC, IQL and AWAC: their losses against plain arithmetic, and that each learns from data alone what pays."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.unit.policies.learners.test_calql import block
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.awac.builder import Builder as AwacBuilder
from vlmrl_ros.policies.learners.awac.config import AwacConfig
from vlmrl_ros.policies.learners.awac.learning import Awac
from vlmrl_ros.policies.learners.calql.builder import Builder as CalqlBuilder
from vlmrl_ros.policies.learners.iql.builder import Builder as IqlBuilder
from vlmrl_ros.policies.learners.iql.config import IqlConfig
from vlmrl_ros.policies.learners.iql.learning import Iql, expectile_loss
from vlmrl_ros.policies.learners.sac.builder import Builder as SacBuilder
from vlmrl_ros.policies.learners.sac.config import SacConfig
from vlmrl_ros.policies.learners.sac.learning import Sac
from vlmrl_ros.policies.networks.actor import sample
from vlmrl_ros.policies.networks.ensemble import values
from vlmrl_ros.policies.networks.likelihood import log_likelihood

SMALL = {"hidden": (16, 16), "discount": 0.9, "device": "cpu"}


def test_the_likelihood_of_an_action_is_that_with_which_it_was_sampled(spec):
    actor = Sac(spec, SacConfig(**SMALL), np.random.default_rng(0)).actor
    data = block(spec)[0]
    action, expected = sample(actor.frozen, data.state, 0.5 * torch.ones(6, 2))
    torch.testing.assert_close(log_likelihood(actor.frozen, data.state, action), expected, rtol=1e-3, atol=1e-3)
    assert torch.isfinite(log_likelihood(actor.frozen, data.state, torch.ones(6, 2))).all()


def test_the_soft_target_of_sac_is_that_of_the_paper(spec):
    data = block(spec)[0]
    for asked in (True, False):
        agent = Sac(spec, SacConfig(**SMALL, entropy_backup=asked, temperature=0.7), np.random.default_rng(0))
        action, likelihood = sample(agent.actor.frozen, data.next_state, torch.zeros(6, 2))
        found = agent._target(data, action, likelihood)
        for b in range(6):
            q = values(agent.target_critics.frozen, data.next_state[b : b + 1], action[b : b + 1])[:, 0]
            ahead = min(q.tolist()) - asked * 0.7 * float(likelihood[b])
            expected = float(data.reward[b]) + 0.9 * float(data.bootstrap[b]) * ahead
            assert float(found[b]) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_expectile_weights_what_is_above_and_what_is_below():
    found = expectile_loss(torch.tensor([2.0, -1.0, 0.5]), 0.8)
    assert float(found) == pytest.approx((0.8 * 4.0 + 0.2 * 1.0 + 0.8 * 0.25) / 3)


def test_iqls_losses_are_those_of_the_paper(spec):
    config = IqlConfig(**SMALL, inverse_temperature=30.0, learning_rate=0.0)
    agent, data = Iql(spec, config, np.random.default_rng(0)), block(spec)
    agent.critics.values.mul_(3.0)
    agent.target_critics.values.copy_(agent.critics.values)
    value = agent.more["state_value"].frozen
    losses, weights, errors, actor = [], [], [], []
    for b in range(6):
        one = data[0].state[b : b + 1], data[0].action[b : b + 1], data[0].next_state[b : b + 1]
        q = min(values(agent.target_critics.frozen, one[0], one[1])[:, 0].tolist())
        v, ahead = (float(values(value, s, s[:, :0])) for s in (one[0], one[2]))
        losses.append((0.8 if q > v else 0.2) * (q - v) ** 2)
        weights.append(math.exp(30.0 * (q - v)))
        target = float(data[0].reward[b]) + 0.9 * float(data[0].bootstrap[b]) * ahead
        errors += [(x - target) ** 2 for x in values(agent.critics.frozen, one[0], one[1])[:, 0].tolist()]
        actor.append(-float(log_likelihood(agent.actor.frozen, one[0], one[1])))
    cap = float(np.median(weights))  # so it holds for some
    agent._config = replace(config, greatest_weight=cap)
    weights = np.minimum(weights, cap)
    metrics = {name: float(value) for name, value in agent.update(data, online=False).items()}
    assert metrics["value_loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert metrics["weight"] == pytest.approx(np.mean(weights), rel=1e-4)
    assert metrics["critic_loss"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert metrics["actor_loss"] == pytest.approx(np.mean(weights * actor), rel=1e-4)


def test_awacs_weights_are_those_of_the_paper(spec):
    config = AwacConfig(**SMALL, advantage_scale=0.05, sampled_actions=400)
    agent, data = Awac(spec, config, np.random.default_rng(0)), block(spec)[0]
    value, advantage = agent._advantage(data)
    for b in range(6):
        state = data.state[b : b + 1]
        drawn, _ = sample(agent.actor.frozen, state.expand(4000, -1), torch.randn(4000, 2))
        of_policy = values(agent.critics.frozen, state.expand(4000, -1), drawn).amin(0).mean()
        q = values(agent.critics.frozen, state, data.action[b : b + 1]).amin()
        assert float(value[b]) == pytest.approx(float(of_policy), abs=0.02)
        assert float(advantage[b]) == pytest.approx(float(q - of_policy), abs=0.02)
    cap = float((advantage / 0.05).exp().median())  # so it holds for some
    agent._config = replace(config, greatest_weight=cap)
    weight = float(agent.update(block(spec), online=False)["weight"])
    assert weight == pytest.approx(float((advantage / 0.05).exp().clamp(max=cap).mean()), rel=0.3)


def test_values_are_compared_with_the_return(spec):
    for method, config in ((Sac, SacConfig(**SMALL)), (Iql, IqlConfig(**SMALL)), (Awac, AwacConfig(**SMALL))):
        metrics = method(spec, config, np.random.default_rng(0)).update(block(spec, returns=-70.0), online=False)
        assert float(metrics["return_to_go"]) == -70.0
        assert 68 < float(metrics["calibration_gap"]) < 72


def bandit(rng: np.random.Generator) -> tuple[TaskSpec, list[Transition]]:
    """Episodes of one step: what pays is to do as the state says; the data do anything."""
    bounds = np.array([-1.0]), np.array([1.0])
    spec = TaskSpec("bandit", VectorSpec(("x",), ("1",), *bounds), VectorSpec(("u",), ("1",), *bounds), (), 0.1, 1)
    zero, nobody, items = np.zeros(1, np.float32), Intervention(False, False, 0.0, Source.POLICY), []
    for number in range(600):
        x, action = rng.uniform(-0.8, 0.8, (2, 1)).astype(np.float32)
        begin = Feedback(0.0, False, False, False, number, 0)
        end = dataclasses.replace(begin, reward=-float(abs(x - action)[0]), terminated=True, success=True, step=1)
        first = Step(2 * number, {"state": x}, begin, action, action, action, nobody)
        items.append(Transition(first, Step(2 * number + 1, {"state": x}, end, zero, zero, zero, nobody), arm=-1))
    return spec, items


@pytest.mark.parametrize(
    ("builder", "options"),
    [
        (SacBuilder, {"temperature": 0.01}),
        (CalqlBuilder, {"cql_weight": 0.1, "temperature": 0.01, "sampled_actions": 4}),
        (IqlBuilder, {"inverse_temperature": 30.0}),
        (AwacBuilder, {"advantage_scale": 0.03}),
    ],
    ids=["sac", "calql", "iql", "awac"],
)
def test_it_learns_from_data_alone_what_pays(builder, options):
    spec, items = bandit(np.random.default_rng(0))
    given = {"hidden": [32, 32], "learning_rate": 5e-3, "critic_learning_rate": 5e-3, "batch_size": 64, "device": "cpu"}
    config = from_mapping(builder.config_type, {**given, **options})
    learner = builder.build(spec, config, np.random.default_rng(0))
    for item in items:
        learner.add(item)
    for _ in range(250):
        learner.update()
    policy = build_gaussian(spec, {"explore": False})
    policy.load(learner.variables())
    places = np.linspace(-0.7, 0.7, 9, dtype=np.float32)
    chosen = [policy.act({"state": x[None]}, np.random.default_rng(0))[0][0] for x in places]
    assert np.abs(chosen - places).mean() < 0.2
