"""Gradient steps on weights of a model that computes in half precision."""

from __future__ import annotations

import pytest
import torch

from vlmrl_ros.policies.vlm.optimiser import Optimiser

RATE = 1e-4
"""A step of Adam at first; numbers of bfloat16 around 1 are 0.004 apart."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_that_half_precision_cannot_tell_apart_add_up(dtype):
    weight = torch.ones(3, dtype=dtype, requires_grad=True)
    optimiser = Optimiser(torch.optim.Adam, [weight], 1.0)
    for _ in range(100):
        optimiser.step(weight.float().sum(), RATE)
    torch.testing.assert_close(optimiser.trained(weight), torch.full((3,), 1 - 100 * RATE), atol=1e-5, rtol=0.0)
    assert torch.equal(weight, optimiser.trained(weight).to(dtype))
    assert (optimiser.trained(weight) is weight) == (dtype == torch.float32)


def test_the_gradient_is_bounded_and_told_as_it_was():
    weight = torch.zeros(4, dtype=torch.bfloat16, requires_grad=True)
    optimiser = Optimiser(torch.optim.Adam, [weight], 0.5)
    assert optimiser.step((3 * weight.float()).sum(), RATE) == pytest.approx(6.0)
    moment = optimiser.remembered()["0.exp_avg"]
    torch.testing.assert_close(moment, torch.full((4,), 0.1 * 0.25))
