"""The written-out passes against autograd over the plain functions of the same networks."""

from __future__ import annotations

import pytest
import torch

from vlmrl_ros.policies.networks.actor import initial_actor, sample
from vlmrl_ros.policies.networks.actor_pass import ActorPass
from vlmrl_ros.policies.networks.captured import Captured
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.ensemble_pass import EnsemblePass
from vlmrl_ros.policies.networks.flat import FlatParameters
from vlmrl_ros.policies.networks.mlp import Product

STATES, ACTIONS, ROWS = 5, 2, 9


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def randomised(parameters: dict[str, torch.Tensor], generator: torch.Generator) -> FlatParameters:
    """Biases and shifts too: at zero, an error in them would not show."""
    spread = {name: torch.randn(tensor.shape, generator=generator) * 0.5 for name, tensor in parameters.items()}
    return FlatParameters(spread)


@pytest.fixture(params=[(True, (8, 6)), (False, (8, 6)), (True, (7,))], ids=["normalised", "plain", "one layer"])
def critics(request, generator) -> FlatParameters:
    layer_norm, hidden = request.param
    return randomised(initial_ensemble(STATES + ACTIONS, hidden, 3, generator, layer_norm), generator)


@pytest.fixture
def actor(generator) -> FlatParameters:
    """Some of its standard deviations are beyond the range that they are clipped to."""
    made = randomised(initial_actor(STATES, ACTIONS, (8, 6), generator), generator)
    made.frozen["log_std/weight"].mul_(8.0)
    return made


def rows(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(ROWS, STATES, generator=generator), torch.rand(ROWS, ACTIONS, generator=generator) * 2 - 1


def autograd_gradients(parameters: FlatParameters, loss: torch.Tensor) -> torch.Tensor:
    parameters.gradients.zero_()
    loss.backward()
    return parameters.gradients.clone()


def test_values_are_those_of_the_plain_ensemble_also_of_some_members(critics, generator):
    state, action = rows(generator)
    passed, inputs = EnsemblePass(critics, Product()), torch.cat((state, action), -1)
    expected = values(critics.frozen, state, action)
    torch.testing.assert_close(passed.values(inputs), expected)
    torch.testing.assert_close(passed.run(inputs)[0], expected)
    torch.testing.assert_close(passed.values(inputs, torch.tensor([2, 0])), expected[[2, 0]])


def test_gradients_of_the_critics_are_those_of_autograd(critics, generator):
    state, action = rows(generator)
    slope = torch.randn(3, ROWS, generator=generator)
    expected = autograd_gradients(critics, (values(critics.trainable, state, action) * slope).sum())
    critics.gradients.fill_(torch.nan)  # all of them are overwritten
    passed = EnsemblePass(critics, Product())
    passed.descend(passed.run(torch.cat((state, action), -1))[1], slope)
    torch.testing.assert_close(critics.gradients, expected)


def test_the_slope_along_the_action_is_that_of_autograd(critics, generator):
    state, action = rows(generator)
    slope = torch.randn(3, ROWS, generator=generator)
    action.requires_grad_()
    (values(critics.frozen, state, action) * slope).sum().backward()
    passed = EnsemblePass(critics, Product())
    tape = passed.run(torch.cat((state, action.detach()), -1))[1]
    torch.testing.assert_close(passed.input_slope(tape, slope, slice(STATES, None)), action.grad)


def test_samples_and_gradients_of_the_actor_are_those_of_autograd(actor, generator):
    state, direction = rows(generator)
    noise = torch.randn(ROWS, ACTIONS, generator=generator)
    action, log_likelihood = sample(actor.trainable, state, noise)
    expected = autograd_gradients(actor, (action * direction).sum() + 0.3 * log_likelihood.sum())
    actor.gradients.fill_(torch.nan)
    passed = ActorPass(actor, Product())
    mine, likelihood, tape = passed.sample(state, noise)
    torch.testing.assert_close((mine, likelihood), (action.detach(), log_likelihood.detach()))
    assert not tape.free.all()
    passed.descend(tape, direction, torch.tensor([0.3]))
    torch.testing.assert_close(actor.gradients, expected)


def test_products_in_bfloat16_are_near_those_in_float32_and_not_the_same(critics, generator):
    state, action = rows(generator)
    inputs, slope = torch.cat((state, action), -1), torch.randn(3, ROWS, generator=generator)
    results = []
    for precision in ("float32", "bfloat16"):
        passed = EnsemblePass(critics, Product(precision))
        passed.descend(passed.run(inputs)[1], slope)
        results.append((passed.values(inputs), critics.gradients.clone()))
    for full, rounded in zip(*results, strict=True):
        assert rounded.dtype == torch.float32
        assert 0 < float((full - rounded).norm() / full.norm()) < 0.05


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_product_is_written_into_a_transposed_result(precision, generator):
    left, right = torch.randn(2, 4, 3, generator=generator), torch.randn(2, 3, 5, generator=generator)
    out = torch.full((2, 5, 4), torch.nan)
    result = Product(precision)(left, right, out=out.transpose(1, 2))
    torch.testing.assert_close(result, left @ right, rtol=0.02, atol=0.05)
    torch.testing.assert_close(out.transpose(1, 2), result)


def test_a_captured_function_is_called_with_the_tensors_it_is_given():
    total = torch.zeros(())
    captured = Captured(lambda x: total.add_(x), torch.device("cpu"))
    for value in (1.0, 2.0, 3.0):
        assert captured(torch.tensor(value)) is total
    assert float(total) == 6.0
