from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, TanhTransform, TransformedDistribution
from torch.nn.functional import layer_norm, linear, relu

from vlmrl_ros.policies.networks.actor import features, initial_actor, sample
from vlmrl_ros.policies.networks.compute import fast_products_are_exact, learner_compute, torch_generator
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.flat import Adam, FlatParameters


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_batched_ensemble_equals_its_members_one_by_one(generator):
    critics = initial_ensemble(5, (8, 8), 3, generator)
    critics = {name: torch.randn(tensor.shape, generator=generator) for name, tensor in critics.items()}
    state, action = torch.randn(7, 3, generator=generator), torch.randn(7, 2, generator=generator)
    together = values(critics, state, action)
    assert together.shape == (3, 7)
    for member in range(3):
        x = torch.cat((state, action), -1)
        for layer in ("hidden_0", "hidden_1"):
            x = linear(x, critics[f"{layer}/weight"][member].T, critics[f"{layer}/bias"][member, 0])
            x = relu(layer_norm(x, (8,), bias=critics[f"{layer}/shift"][member, 0]))
        alone = x @ critics["value/weight"][member] + critics["value/bias"][member]
        torch.testing.assert_close(together[member], alone[:, 0])


def test_the_log_likelihood_is_that_of_a_squashed_gaussian(generator):
    actor = initial_actor(3, 2, (16,), generator)
    actor = {name: torch.randn(t.shape, generator=generator).double() * 0.3 for name, t in actor.items()}
    state, noise = (torch.randn(9, width, generator=generator).double() for width in (3, 2))
    action, log_likelihood = sample(actor, state, noise)
    x = features(actor, state)
    mean = linear(x, actor["mean/weight"], actor["mean/bias"])
    std = linear(x, actor["log_std/weight"], actor["log_std/bias"]).exp()
    expected = TransformedDistribution(Normal(mean, std), [TanhTransform()]).log_prob(action).sum(-1)
    torch.testing.assert_close(log_likelihood, expected)


def test_flat_adam_equals_torchs_adam_on_separate_tensors(generator):
    initial = {"a": torch.randn(4, 3, generator=generator), "b": torch.randn(3, generator=generator)}
    flat = FlatParameters(initial)
    separate = {name: tensor.clone().requires_grad_() for name, tensor in initial.items()}
    adam, reference = Adam(flat, 1e-2), torch.optim.Adam(separate.values(), lr=1e-2)
    for _ in range(5):
        x = torch.randn(6, 4, generator=generator)
        adam.zero()
        (x @ flat.trainable["a"] + flat.trainable["b"]).square().mean().backward()
        adam.step()
        reference.zero_grad()
        (x @ separate["a"] + separate["b"]).square().mean().backward()
        reference.step()
    for name, tensor in separate.items():
        torch.testing.assert_close(flat.frozen[name], tensor.detach())


def test_a_copy_follows_at_its_rate_and_is_independent():
    flat = FlatParameters({"a": torch.ones(2, 2)})
    target = flat.copy()
    flat.values.fill_(5.0)
    target.follow(flat, 0.25)
    assert torch.equal(target.frozen["a"], torch.full((2, 2), 2.0))


def test_fast_products_are_used_only_where_they_keep_float32(generator):
    left, right = torch.randn(2, 128, 128, generator=generator)
    exact = left.double() @ right.double()
    with learner_compute():
        product = left @ right
        assert torch.get_float32_matmul_precision() == ("medium" if fast_products_are_exact() else "highest")
    assert float((product - exact).abs().max() / exact.abs().max()) < 1e-5


def test_settings_come_back_even_after_an_error():
    settings = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with pytest.raises(RuntimeError, match="size"), learner_compute():
        torch.zeros(2) + torch.zeros(3)
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == settings


def test_torch_generators_follow_the_given_generator():
    draws = [torch.rand(3, generator=torch_generator(np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("normalised", [False, True])
def test_critics_are_those_that_plain_modules_give(normalised, generator):
    parameters = initial_ensemble(5, (8, 6), 3, generator, normalised)
    state, action = torch.randn(7, 3, generator=generator), torch.randn(7, 2, generator=generator)
    found = values(parameters, state, action)
    for member in range(3):
        x = torch.cat((state, action), -1)
        for layer in ("hidden_0", "hidden_1"):
            x = x @ parameters[f"{layer}/weight"][member] + parameters[f"{layer}/bias"][member]
            x = relu(layer_norm(x, x.shape[-1:]) if normalised else x)
        expected = (x @ parameters["value/weight"][member] + parameters["value/bias"][member])[:, 0]
        torch.testing.assert_close(found[member], expected, rtol=1e-5, atol=1e-6)
