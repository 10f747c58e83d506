"""The losses of CQL and Cal-QL against plain loops over samples, and what calibration does and does not touch."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.calql.config import CalqlConfig
from vlmrl_ros.policies.learners.calql.learning import CalQl, Proposals, conservative_penalty
from vlmrl_ros.policies.learners.cql.config import CqlConfig
from vlmrl_ros.policies.learners.episodic.actor_critic import Batch
from vlmrl_ros.policies.networks.ensemble import values

CONFIG = CalqlConfig(
    hidden=(16, 16), sampled_actions=3, discount=0.9, cql_weight=2.0, cql_weight_online=0.5, device="cpu"
)


def make(spec: TaskSpec, **changes: object) -> CalQl:
    return CalQl(spec, dataclasses.replace(CONFIG, **changes), np.random.default_rng(0))


def block(spec: TaskSpec, *, returns: float = 0.0, size: int = 6, blocks: int = 1) -> Batch:
    rng = torch.Generator().manual_seed(1)
    shape = (blocks, size)
    state, following = torch.rand(2, *shape, spec.observation.size, generator=rng) * 2 - 1
    action = torch.rand(*shape, spec.action.size, generator=rng) * 2 - 1
    reward, keeps = torch.randn(*shape, 1, generator=rng), (torch.rand(*shape, 1, generator=rng) < 0.7).float()
    return Batch(state, action, reward, keeps, following, torch.full((*shape, 1), returns))


def q_of(agent: CalQl, net: str, state: torch.Tensor, action: torch.Tensor) -> np.ndarray:
    """Values float64 (E,) of one state and one action."""
    critics = getattr(agent, net).frozen
    return values(critics, state[None], action[None])[:, 0].double().numpy()


def plain_losses(agent: CalQl, batch: Batch, drawn: Proposals, config: CalqlConfig, calibrated: bool) -> np.ndarray:
    """(E, 2): squared error and penalty of each critic, sample by sample as the papers write them."""
    size, n, dim = len(batch.state), config.sampled_actions, batch.action.shape[-1]
    found = np.zeros((config.critics, 2))
    for b in range(size):
        state, data = batch.state[b], q_of(agent, "critics", batch.state[b], batch.action[b])
        candidates = [q_of(agent, "target_critics", batch.next_state[b], a[b]).min() for a in drawn.ahead]
        target = float(batch.reward[b]) + config.discount * float(batch.bootstrap[b]) * max(candidates)
        for i in range(config.critics):
            z = [q_of(agent, "critics", state, drawn.uniform[k, b])[i] - math.log(0.5**dim) for k in range(n)]
            for k in range(2 * n):
                q = q_of(agent, "critics", state, drawn.policy[k, b])[i]
                q = max(q, float(batch.return_to_go[b])) if calibrated else q
                z.append(q - float(drawn.log_likelihood[k, b]))
            soft = config.cql_temperature * math.log(sum(math.exp(x / config.cql_temperature) for x in z))
            found[i] += np.array([(data[i] - target) ** 2, soft - data[i]]) / size
    return found


@pytest.mark.parametrize("changes", [{}, {"max_backup": False}, {"cql_temperature": 2.0}, {"calibrate": "never"}])
def test_the_losses_are_those_of_the_papers(spec, changes):
    agent, data = make(spec, critic_learning_rate=0.0, **changes), block(spec)
    config = dataclasses.replace(CONFIG, **changes)
    drawn = agent._propose(data)[0]
    metrics = agent._update_critics(data[0], drawn, online=False)
    expected = plain_losses(agent, data[0], drawn, config, config.calibrate == "always").mean(0)
    assert len(drawn.ahead) == (3 if config.max_backup else 1)
    assert float(metrics["critic_loss"]) == pytest.approx(expected[0], rel=1e-4)
    assert float(metrics["penalty"]) == pytest.approx(expected[1], rel=1e-4)


def test_the_critics_descend_error_and_weighted_penalty(spec):
    """The gradient against finite differences of the plain losses."""
    agent, data = make(spec, critic_learning_rate=0.0), block(spec, size=3)
    drawn = agent._propose(data)[0]
    for online, weight in ((False, 2.0), (True, 0.5)):
        agent._update_critics(data[0], drawn, online)
        gradient, flat = agent.critics.gradients.clone(), agent.critics.values
        for index in gradient.abs().argsort(descending=True)[[0, 5, 50]].tolist():
            middle, ends = float(flat[index]), []
            for step in (-1e-3, 1e-3):
                flat[index] = middle + step
                losses = plain_losses(agent, data[0], drawn, CONFIG, calibrated=True)
                ends.append((losses[:, 0] + weight * losses[:, 1]).sum())
            flat[index] = middle
            assert float(gradient[index]) == pytest.approx((ends[1] - ends[0]) / 2e-3, rel=0.03, abs=5e-3)


def test_a_policy_that_comes_for_both_states_is_asked_at_the_state_alone(spec):
    """Half of the policy's actions are drawn for the next states; all are valued at the states."""
    agent, data = make(spec), block(spec, size=4000)
    agent.actor.frozen["mean/bias"].fill_(0.0)
    agent.actor.frozen["mean/weight"].normal_(generator=torch.Generator().manual_seed(0))
    agent.actor.frozen["log_std/bias"].fill_(-5.0)
    drawn = agent._propose(data)[0]
    from_next, from_here = drawn.policy[:3].mean(0), drawn.policy[3:].mean(0)
    again = agent._propose(
        Batch(
            data.next_state,
            *(getattr(data, n) for n in ("action", "reward", "bootstrap")),
            data.state,
            data.return_to_go,
        )
    )[0]
    assert (from_here - again.policy[:3].mean(0)).abs().mean() < 0.02 < (from_here - from_next).abs().mean()


def test_calibration_lifts_the_policys_values_alone():
    """Values far below the return: uniform actions and the data's keep theirs, and the policy's have no gradient."""
    uniform, policy = torch.full((2, 3, 4), -20.0, requires_grad=True), torch.full((2, 6, 4), -20.0, requires_grad=True)
    data, likelihood = torch.full((2, 4), -20.0, requires_grad=True), torch.zeros(6, 4)
    lifted = torch.maximum(policy, torch.full((4,), -10.0))
    penalty = conservative_penalty(uniform, lifted, data, likelihood, 2, CONFIG)
    penalty.sum().backward()
    expected = math.log(3 * math.exp(-20 + 2 * math.log(2)) + 6 * math.exp(-10)) + 20
    assert penalty.tolist() == pytest.approx([expected] * 2, rel=1e-5)
    assert not policy.grad.any()
    assert uniform.grad.any()
    assert data.grad.any()


def test_returns_above_all_values_clamp_every_policy_action_and_returns_below_clamp_none(spec):
    for returns, rate in ((1e3, 1.0), (-1e3, 0.0)):
        for calibrate in ("always", "never"):
            agent, data = make(spec, calibrate=calibrate), block(spec, returns=returns)
            assert float(agent._update_critics(data[0], agent._propose(data)[0], False)["clamp_rate"]) == rate
    low, never = (make(spec, calibrate=c) for c in ("always", "never"))
    for agent in (low, never):
        for _ in range(3):
            agent.update(block(spec, returns=-1e3), online=False)
    assert torch.equal(low.critics.values, never.critics.values), "calibration does nothing where values are higher"


@pytest.mark.parametrize(
    ("calibrate", "phases"),
    [("always", {"offline", "online"}), ("offline", {"offline"}), ("online", {"online"}), ("never", set())],
)
def test_calibration_is_kept_online_unless_told_otherwise(spec, calibrate, phases):
    assert CalqlConfig().calibrate == "always"
    data = block(spec, returns=1e3)
    for phase in ("offline", "online"):
        agent = make(spec, calibrate=calibrate)
        penalty = agent._update_critics(data[0], agent._propose(data)[0], phase == "online")["penalty"]
        assert (float(penalty) > 500) is (phase in phases)


def test_without_importance_sampling_the_datas_action_joins_the_soft_maximum():
    rng = torch.Generator().manual_seed(0)
    uniform, policy = torch.randn(2, 3, 4, generator=rng), torch.randn(2, 6, 4, generator=rng)
    data, likelihood = torch.randn(2, 4, generator=rng), torch.randn(6, 4, generator=rng)
    config = dataclasses.replace(CONFIG, importance_sampling=False)
    found = conservative_penalty(uniform, policy, data, likelihood, 2, config)
    for i in range(2):
        rows = [
            math.log(sum(map(math.exp, [*uniform[i, :, b].tolist(), *policy[i, :, b].tolist(), float(data[i, b])])))
            - float(data[i, b])
            for b in range(4)
        ]
        assert float(found[i]) == pytest.approx(np.mean(rows), rel=1e-4)


def test_the_multiplier_grows_while_the_penalty_is_above_its_gap_and_scales_it(spec):
    for gap, grows in ((1e-3, True), (1e3, False)):
        agent, data = make(spec, lagrange_gap=gap, learning_rate=1e-2), block(spec)
        begin = float(agent.more["multiplier"].frozen["log"])
        assert begin == 1.0
        penalty = torch.tensor([3.0, 5.0])
        torch.testing.assert_close(agent._weigh(penalty, 2.0), math.e * 2.0 * (penalty - gap))
        agent.update(data, online=False)
        assert (float(agent.more["multiplier"].frozen["log"]) > begin) is grows


def test_a_block_of_batches_is_as_many_updates(spec):
    agent, data = make(spec), block(spec, blocks=3)
    agent.update(data, online=False)
    assert float(agent.tensors()["critics/step"]) == 3
    assert float(agent.tensors()["actor/step"]) == 1


def test_cql_is_calql_that_never_calibrates():
    differing = {
        f.name for f in dataclasses.fields(CqlConfig) if getattr(CqlConfig(), f.name) != getattr(CalqlConfig(), f.name)
    }
    assert differing == {"calibrate"}
    assert CqlConfig().calibrate == "never"


def test_the_best_of_several_actions_has_no_entropy(spec):
    with pytest.raises(ConfigError, match="entropy_backup is true, but max_backup takes the best action"):
        make(spec, entropy_backup=True, max_backup=True)
